"""Changes stream into servers while what works on them is killed, for so long: python benchmarks/soak.py [MINUTES]

`--hapi` has a HAPI beside the embedded server, `--postgres` a PostgreSQL for the catalog, `--seed N` other chances.
Three workers and `serve` share a lake and a Redis that is flushed twice. One worker is never killed: what it takes of
memory tells of leaks. In the end every profile must be what a clean run makes of the same records on a fresh lake and a
fresh server, and no version may say the same as the one before it. Exits with 1 where that is not so.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[1:1] = [str(ROOT), str(ROOT / "tests")]  # behind the folder of this file

import httpx  # noqa: E402
import postgres_server  # noqa: E402
import redis_server  # noqa: E402
from changing import RECORDS, Resource, Server  # noqa: E402
from processes import resident  # noqa: E402
from said import content, told  # noqa: E402

from service import working  # noqa: E402
from service.sandbox.population import generate  # noqa: E402
from service.settings import load  # noqa: E402

PATIENTS, LOST = 30, 0.2  # of the changes that nobody tells of; they are found by looking
EVERY, KILLED_EVERY, LOOKED_EVERY, PATIENCE = 0.5, 15.0, 5.0, 1800.0  # seconds
SOURCE = 'url = "{}"\napply = true\nchanges_at = "* * * * *"\nincremental_at = "*/3 * * * *"\noverlap = 5\n'
REST = (
    '[serve]\nport = 0\nauth = "off"\nrefresh = 5\n'
    "[jobs]\ndebounce = 1\nat_most = 10\nlease = 10\nbackoff = 2\npoll = 0.5\nattempts = 20\n"
)


Panels = dict[str, list[Resource]]


@dataclass
class Kept:
    """A process that is begun again whenever it is killed."""

    kind: str
    words: list[str]
    mortal: bool = True
    process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        # stderr is the service's log: one file for all, looked at when something is amiss.
        with Path("log.ndjson").open("a") as log:
            self.process = subprocess.Popen(_words(*self.words), env=_environment(), stdout=log, stderr=log)

    @property
    def running(self) -> subprocess.Popen[bytes]:
        assert self.process is not None, self.kind
        return self.process

    def looked_after(self) -> bool:
        """Whether it had ended by itself; it never should."""
        if self.running.poll() is None:
            return False
        self.begin()
        return True


@dataclass
class Soak:
    servers: dict[str, Server]
    processes: list[Kept]
    queue: working.Queue
    flush: Callable[[], None]
    chance: random.Random
    began: float = field(default_factory=time.monotonic)
    counts: Counter[str] = field(default_factory=Counter)
    memory: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))

    def say(self, words: str) -> None:
        print(f"{time.monotonic() - self.began:8.1f} s  {words}", flush=True)

    def run(self, seconds: float) -> None:
        due = {self._change: EVERY, self._kill: KILLED_EVERY, self._look: LOOKED_EVERY}
        next_ = {each: self.began + wait for each, wait in due.items()}
        flushes = [self.began + seconds / 3, self.began + 2 * seconds / 3]
        while (now := time.monotonic()) < self.began + seconds:
            for act, wait in due.items():
                if next_[act] <= now:
                    next_[act] = now + wait
                    act()
            if flushes and flushes[0] <= now:
                flushes.pop(0)
                self.flush()
                self.say("Redis flushed")
            time.sleep(0.05)

    def _change(self) -> None:
        name, server = self.chance.choice(list(self.servers.items()))
        patient = server.changed()
        self.counts["changes"] += 1
        if self.chance.random() < LOST:
            self.counts["told to nobody"] += 1
        else:
            self.queue.ask(name, "patient", [patient])

    def _kill(self) -> None:
        each = self.chance.choice([kept for kept in self.processes if kept.mortal])
        each.running.kill()
        each.running.wait()
        self.counts[f"{each.kind} killed"] += 1
        self.say(f"{each.kind} {each.running.pid} killed")
        each.begin()

    def _look(self) -> None:
        for each in self.processes:
            if each.looked_after():
                self.counts[f"{each.kind} ended by itself"] += 1
                self.say(f"{each.kind} HAD ENDED by itself")
            self.memory[each.kind].append((time.monotonic() - self.began, resident(each.running.pid)))

    def drain(self) -> None:
        for name in self.servers:
            self.queue.ask(name, "incremental", at_once=True)
        end = time.monotonic() + PATIENCE
        while any(counts.waiting or counts.running for counts in map(self.queue.counts, self.servers)):
            assert time.monotonic() < end, "the queue does not drain"
            self._look()
            time.sleep(2)
        self.say(f"drained; {sum(self.queue.counts(name).aside for name in self.servers)} jobs set aside")

    def end(self) -> None:
        for each in self.processes:
            each.running.send_signal(signal.SIGTERM)
        codes = {each.kind: each.running.wait(120) for each in self.processes}
        self.say(f"told to end: {codes}")


def main(minutes: float, hapi: bool, postgres: bool, seed: int) -> int:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as held:
        os.chdir(folder)
        place = Path(folder)
        redis = held.enter_context(redis_server.restartable(place))
        catalog = held.enter_context(postgres_server.running()).url if postgres else ""
        bases = {"sandbox": held.enter_context(_sandbox(place))}
        if hapi:
            from real.hapi.server import running

            bases["hapi"] = held.enter_context(running(place)).base
        _configure(place, bases, redis.url, catalog)
        servers = {name: Server(base, seed) for name, base in bases.items()}
        for server in servers.values():
            server.load(generate(PATIENTS, seed))
        for name in servers:
            _typed("run", name, "--apply")
        queue = held.enter_context(working.queue(place / "lake", load()))
        soak = Soak(servers, _processes(), queue, redis.flush, random.Random(seed))
        return _soaked(soak, minutes * 60)


def _processes() -> list[Kept]:
    worker = ["worker"]
    return [
        Kept("steady worker", worker, mortal=False), Kept("worker", worker), Kept("second worker", worker),
        Kept("serve", ["serve", "sandbox"]),
    ]  # fmt: skip


def _soaked(soak: Soak, seconds: float) -> int:
    for each in soak.processes:
        each.begin()
    try:
        soak.run(seconds)
        soak.drain()
    finally:
        soak.end()
    wrong = [line for name, server in soak.servers.items() for line in _wrong(soak, name, server)]
    _summary(soak, wrong)
    return 1 if wrong else 0


def _wrong(soak: Soak, name: str, server: Server) -> Iterator[str]:
    """What is not as it should be, a line each; nothing of it names a patient of anybody: they are invented."""
    for aside in soak.queue.aside(name):
        yield f"{name}: set aside: {aside['kind']} {aside['patient']}: {aside['said']}"
    stands, clean = _panels(server), _clean(name, server)
    for patient in sorted(stands.keys() | clean.keys()):
        if stands.get(patient) != [*clean.get(patient, [])]:
            yield f"{name}: the profile of {patient} is not a clean run's: {_difference(stands, clean, patient)}"
    ours = [each for type in ("Observation", "Device") for each in server.all(type)]
    versions = 0
    for each in ours:
        said = [told(version) for version in server.history(each)]
        versions += len(said)
        if any(one == other for one, other in pairwise(said)):
            yield f"{name}: {each['resourceType']}/{each['id']} has a version that says nothing new"
    soak.say(f"{name}: {len(clean)} profiles compared with a clean run's, {versions} versions of {len(ours)} resources")


def _difference(stands: Panels, clean: Panels, patient: str) -> str:
    """Components and fields of the first; patients are invented."""
    one, other = (dict(_parts(panels.get(patient, []))) for panels in (stands, clean))
    differ = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    return "; ".join(f"{key}: {one.get(key)} for {other.get(key)}" for key in differ)[:2_000]


def _parts(panels: list[Resource]) -> Iterator[tuple[str, str]]:
    for panel in panels:
        for key, value in panel.items():
            if key == "component":
                yield from ((each["code"]["coding"][0]["code"], json.dumps(each)) for each in value)
            else:
                yield key, json.dumps(value)


def _panels(server: Server) -> Panels:
    found: dict[str, list[Resource]] = defaultdict(list)
    for each in server.all("Observation"):
        found[each["subject"]["reference"]].append(content(each))
    return dict(found)


def _clean(name: str, server: Server) -> Panels:
    """A fresh server with the same records, and a run with a fresh lake on it."""
    place = Path("clean") / name
    place.mkdir(parents=True)
    with _sandbox(place, patients=0) as base:
        fresh = Server(base, 0)
        records = (_bare(each) for type in RECORDS for each in server.all(type))
        fresh.load(json.dumps(each).encode() for each in records)
        _typed("run", base, "--apply", "--lake", str(place / "lake"))
        return _panels(fresh)


def _bare(record: Resource) -> Resource:
    """As if nobody had stored it yet; its labels stay, for they decide what may be read."""
    stored = ("versionId", "lastUpdated", "source")
    return {**record, "meta": {key: value for key, value in record.get("meta", {}).items() if key not in stored}}


def _summary(soak: Soak, wrong: list[str]) -> None:
    print("\n" + "\n".join(f"{what:28} {number:6,}" for what, number in sorted(soak.counts.items())))
    ended = Counter[str]()
    for name in soak.servers:
        for kind, how, number in soak.queue.ended(name):
            ended[f"{kind} {how}"] += number
    print("\n".join(f"job {what:24} {number:6,}" for what, number in sorted(ended.items())))
    print("\nMiB resident, by minute")
    for kind, seen in soak.memory.items():
        minutes: dict[int, int] = {}
        for moment, size in seen:
            minutes[int(moment // 60)] = max(size, minutes.get(int(moment // 60), 0))
        print(f"{kind:14} " + " ".join(f"{size >> 20:5,}" for size in minutes.values()))
    print("\n" + ("\n".join(wrong) or "every profile is a clean run's; no version says nothing new"))


def _configure(place: Path, bases: dict[str, str], redis: str, catalog: str) -> None:
    shared = f'redis_url = "{redis}"\n' + (f'catalog_url = "{catalog}"\n' if catalog else "")
    sources = "".join(f"[sources.{name}]\n{SOURCE.format(base)}" for name, base in bases.items())
    (place / "personalize.toml").write_text(shared + sources + REST)


@contextmanager
def _sandbox(place: Path, patients: int = 0) -> Iterator[str]:
    port = postgres_server.free_port()
    words = ["sandbox", "--patients", str(patients), "--port", str(port)]
    process = subprocess.Popen(_words(*words), env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}/fhir"
    try:
        while not _answers(f"{base}/metadata"):
            assert process.poll() is None, f"the sandbox ended: see {place}"
            time.sleep(0.1)
        yield base
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _typed(*words: str) -> None:
    said = subprocess.run(_words(*words), env=_environment(), capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr


def _words(*words: str) -> list[str]:
    return [sys.executable, "-m", "service.cli", *words]


def _environment() -> dict[str, Any]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("minutes", type=float, nargs="?", default=20)
    asked.add_argument("--hapi", action="store_true")
    asked.add_argument("--postgres", action="store_true")
    asked.add_argument("--seed", type=int, default=1)
    words = asked.parse_args()
    sys.exit(main(words.minutes, words.hapi, words.postgres, words.seed))
