"""Where traces go in, a span of what is under way sent there out; nothing, and nothing loaded, where that is not set.

A span tells the ids of its source and run, counts, and how it ended: nothing of anybody. What an error says might name
somebody, so of an error its type alone is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from service import __version__
from service.errors import WrongUsage
from service.server.egress import names_this_machine

Told = dict[str, str | int]
SECONDS = 5  # that a collector has to answer: who ends waits no longer for it

# While `traced` is around. Not set as OpenTelemetry's provider of this process: libraries that trace by themselves, as
# FastAPI 0.165 does, would send the addresses that were asked for, and with them ids of patients.
_tracers: list[Any] = []


@contextmanager
def traced(url: str | None, installation: str = "") -> Iterator[None]:
    """For the block, and this process: spans go to the collector there, by OTLP over HTTP; with None nowhere."""
    if url is None:
        yield
        return
    if urlsplit(url).scheme != "https" and not names_this_machine(urlsplit(url).hostname or ""):
        raise WrongUsage("traces leave this machine by https alone", where=f"traces_url = {url}", do="write https://")
    provider = _provider(f"{url}/v1/traces", installation)
    _tracers.append(provider.get_tracer("personalize"))
    try:
        yield
    finally:
        _tracers.pop()
        provider.shutdown()


def _provider(url: str, installation: str) -> Any:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise WrongUsage(
            f"OpenTelemetry is not installed: there is no {error.name}",
            where="traces_url",
            do="run `pip install 'fhir-personalization[tracing]'`, or leave traces_url away",
        ) from error
    whose = {"service.name": "personalize", "service.version": __version__, "service.namespace": installation}
    provider = TracerProvider(resource=Resource.create(whose))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=SECONDS)))
    return provider


@contextmanager
def span(name: str, **about: str | int) -> Iterator[Told]:
    """What is put into the dict that is given is told too, and of a block that fails the type of its error."""
    told: Told = dict(about)
    if not _tracers:
        yield told
        return
    from opentelemetry.trace import StatusCode

    quiet = {"record_exception": False, "set_status_on_exception": False}
    with _tracers[-1].start_as_current_span(name, **quiet) as current:
        try:
            yield told
        except BaseException as error:
            told["outcome"] = type(error).__name__
            current.set_status(StatusCode.ERROR)
            raise
        finally:
            current.set_attributes({f"personalize.{key}": value for key, value in told.items()})


def counted(told: Mapping[str, Any]) -> Told:
    """Of what a stage told, its figures: how many were set aside, and what else it counted."""
    figures: Told = {key: value for key, value in told.items() if type(value) is int}
    return figures | {"set_aside": len(told.get("set_aside", ()))}
