"""What happened in, Prometheus's text out. Labels are routes, types and statuses: nothing in them tells of anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from service.jobs.queue import Waiting

TEXT = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """A registry of its own: two servers in one process do not add up."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._looked_up: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        labels = ("route", "method", "status")
        self._requests = Counter("personalize_requests", "Requests answered", labels, registry=self._registry)
        self._seconds = Histogram(
            "personalize_request_seconds", "Until answered", ("route",), registry=self._registry, buckets=BUCKETS
        )
        self._cards = Counter("personalize_cards", "Cards given", ("service",), registry=self._registry)
        self._cards_of: dict[str, Counter] = {}
        self._feedback = Counter(
            "personalize_feedback", "Feedback on cards", ("service", "outcome"), registry=self._registry
        )
        self._published = Gauge(
            "personalize_published_timestamp_seconds",
            "When the profiles served were published",
            registry=self._registry,
        )

        self._shared = Counter(
            "personalize_shared_profiles", "Answers looked for in Redis", ("found",), registry=self._registry
        )
        self._jobs = _Jobs()
        self._registry.register(self._jobs)
        self._queue = Gauge("personalize_queue_jobs", "Jobs by where they are", ("state",), registry=self._registry)
        self._oldest = Gauge(
            "personalize_queue_oldest_seconds", "Since the first that waits was asked for", registry=self._registry
        )

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        requests, lasted = self._of(route, method, status)
        requests.inc()
        lasted.observe(seconds)

    def _of(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        """Looked up once: Prometheus's own way to them takes as long as all the rest of it."""
        key = route, method, status
        if key not in self._looked_up:
            self._looked_up[key] = self._requests.labels(route, method, str(status)), self._seconds.labels(route)
        return self._looked_up[key]

    def cards(self, service: str, count: int) -> None:
        if service not in self._cards_of:
            self._cards_of[service] = self._cards.labels(service)
        self._cards_of[service].inc(count)

    def feedback(self, service: str, outcome: str) -> None:
        self._feedback.labels(service, outcome).inc()

    def published(self, milliseconds: int) -> None:
        self._published.set(milliseconds / 1000)

    def shared(self, found: bool) -> None:
        self._shared.labels("yes" if found else "no").inc()

    def queue(self, source: str, counts: Waiting, ended: Iterable[tuple[str, str, int]]) -> None:
        """As the catalog has them: of all workers, wherever they are."""
        self._jobs.ended = [((source, kind, how), count) for kind, how, count in ended]
        for state in ("waiting", "running", "aside"):
            self._queue.labels(state).set(getattr(counts, state))
        self._oldest.set(counts.oldest)

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _Jobs(Collector):
    """Counted elsewhere: several that serve one source tell the same number, so the source is named."""

    def __init__(self) -> None:
        self.ended: Sequence[tuple[tuple[str, str, str], int]] = ()

    def collect(self) -> Iterator[CounterMetricFamily]:
        told = CounterMetricFamily("personalize_jobs", "Jobs ended", labels=("source", "kind", "ended"))
        for labels, count in self.ended:
            told.add_metric(labels, count)
        yield told
