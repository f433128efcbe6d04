"""From a notification to the new profile, and four workers beside one: python benchmarks/jobs.py [--hapi]

For the workers the embedded server, in a process of its own, answers each request 50 ms late; each of them has one
patient at a time, and one request in flight. Counted are as many patients a worker on both sides, after the first few
and without a pause between. Both sides take turns, and the median counts. With `--hapi` also from a visit recorded on a
HAPI, which tells of it by a Subscription, to the new profile on that HAPI.
"""

from __future__ import annotations

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parent.parent
sys.path[1:1] = [str(ROOT), str(ROOT / "tests")]  # behind the folder of this file

from service import working  # noqa: E402
from service.sandbox.population import generate  # noqa: E402
from service.settings import load  # noqa: E402
from service.subscriptions.kept import Kept, Subscription, digest_of  # noqa: E402

DEBOUNCE, NOTIFIED, HAPI_PATIENTS, ON_HAPI = 1.0, 20, 20, 40
HAPI_TELLS = 5.0  # seconds from one time that HAPI 8.8.0 tells its subscribers what changed to the next
NOTIFYING = 120  # patients on the server that tells of one
ROUNDS, COUNTED = 5, 30  # patients counted, of each worker
WORKERS = (1, 4)
FIRST = 12  # patients derived before the clock is started: each worker has imported and written what it needs by then
LATE = '[[fault]]\ndo = "delay"\nseconds = 0.05\n'
SECRET = "bench"


def main(hapi: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if hapi:
            _on_hapi(_home(folder, "hapi"))
        with _sandbox(NOTIFYING) as url:
            _configure(_home(folder, "notified"), url)
            _typed("run", "bench")
            _notified(url)
        place = _home(folder, "late")
        (place / "faults.toml").write_text(LATE)
        with _sandbox(FIRST + COUNTED * max(WORKERS), "--faults", str(place / "faults.toml")) as url:
            _configure(place, url, "in_flight = 1", "together = 1")
            _typed("run", "bench", "--apply")
            rounds = [_round(place, url, number) for number in range(ROUNDS)]
            print(
                f"four workers / one: {statistics.median(rounds):.2f} times, on {os.cpu_count()} cores; the rounds "
                + ", ".join(f"{each:.2f}" for each in rounds)
            )


def _home(folder: str, name: str) -> Path:
    """A directory with a lake of its own, which it goes to."""
    place = Path(folder) / name
    place.mkdir()
    os.chdir(place)
    return place


def _configure(place: Path, url: str, source: str = "", jobs: str = "") -> None:
    (place / "personalize.toml").write_text(
        f'[sources.bench]\nurl = "{url}"\napply = true\n{source}\n'
        f'[serve]\nport = 8073\nauth = "off"\nrefresh = 0.2\nrequests_per_minute = 100000\n'
        f"[jobs]\ndebounce = {DEBOUNCE}\npoll = 0.1\n{jobs}\n"
    )


def _notified(url: str) -> None:
    """A visit is changed and told of; the profile is read back until its as-of has moved."""
    with _process(["serve", "bench"], "http://127.0.0.1:8073/readyz"), working.queue(Path("lake"), load()) as queue:
        Kept(queue.engine).keep(
            Subscription("bench", "bench", url, "criteria", "Encounter?", None, digest_of(SECRET), "active", 4e9)
        )
        with httpx.Client(timeout=30) as http:
            first, *took = [_one(http, url, number) for number in range(NOTIFIED + 1)]
    print(
        f"notification -> profile read back, debounce {DEBOUNCE} s: {_said(took)}; the first {first:.2f} s", flush=True
    )


def _on_hapi(place: Path) -> None:
    from changing import Server
    from real.hapi.server import running

    with running(place) as hapi:
        server = Server(hapi.base, 1)
        server.load(generate(HAPI_PATIENTS, 1))
        _configure(place, hapi.base, "overlap = 0")
        _typed("run", "bench", "--apply")
        with _process(["serve", "bench"], "http://127.0.0.1:8073/readyz"):
            _typed("subscribe", "bench", "--apply")
            first, *took = [_told(server) for _ in range(ON_HAPI + 1)]
    print(f"change on HAPI -> profile on HAPI: {_said(took)}; the first {first:.2f} s", flush=True)


def _told(server: Any) -> float:
    time.sleep(random.uniform(0, HAPI_TELLS))  # else each would begin at the same moment between two tellings
    patient, began = server.visit(status="finished"), time.perf_counter()
    before = _panel(server, patient)
    while _panel(server, patient) == before:
        time.sleep(0.05)
    return time.perf_counter() - began


def _panel(server: Any, patient: str) -> list[str]:
    found = server.http.get(f"{server.base}/Observation", params={"patient": patient}).json().get("entry", [])
    return [entry["resource"]["meta"]["versionId"] for entry in found]


def _said(took: list[float]) -> str:
    p50, p95 = statistics.median(took), statistics.quantiles(took, n=20)[-1]
    return f"p50 {p50:.2f} s, p95 {p95:.2f} s, most {max(took):.2f} s"


def _visited(http: httpx.Client, url: str, patient: str, name: str) -> None:
    """A finished visit of yesterday, which counts."""
    yesterday = time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(time.time() - 86_400))
    visit = {
        "resourceType": "Encounter",
        "id": name,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": yesterday, "end": yesterday},
    }
    http.put(f"{url}/Encounter/{name}", json=visit).raise_for_status()


def _one(http: httpx.Client, url: str, number: int) -> float:
    [entry] = http.get(f"{url}/Encounter", params={"_count": "1", "_sort": "_id"}).json()["entry"][:1]
    visit, began = entry["resource"], time.perf_counter()
    patient, served = visit["subject"]["reference"], "http://127.0.0.1:8073"
    before = _version(http, served, patient)
    headers = {"authorization": f"Bearer {SECRET}", "content-type": "application/fhir+json"}
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 86_400 * (number + 2)))
    new = {**visit, "id": f"bench-{number}", "period": {"start": now, "end": now}}
    http.put(f"{url}/Encounter/{new['id']}", content=json.dumps(new), headers=headers).raise_for_status()
    began = time.perf_counter()
    http.put(
        f"{served}/notify/bench/Encounter/{new['id']}", content=json.dumps(new), headers=headers
    ).raise_for_status()
    while _version(http, served, patient) == before:
        time.sleep(0.02)
    return time.perf_counter() - began


def _version(http: httpx.Client, served: str, patient: str) -> str:
    found = http.get(f"{served}/fhir/Observation", params={"patient": patient}).json().get("entry", [])
    return str(found[0]["resource"]["meta"]) if found else ""


def _round(place: Path, url: str, number: int) -> float:
    """How many times as fast four are as one; this machine's own speed changes too much within minutes for one pair."""
    one, four = (_rate(place, url, workers, f"{number}-{workers}") for workers in WORKERS)
    return four / one


def _rate(place: Path, url: str, workers: int, name: str) -> float:
    """Patients a second of so many, each patient with a new visit."""
    counted = COUNTED * workers
    ids = [f"pt-{number:06d}" for number in range(1, FIRST + counted + 1)]
    with httpx.Client(timeout=30) as http:
        for each in ids:
            _visited(http, url, each, f"{name}-{each}")
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    with working.queue(place / "lake", load()) as queue:
        started = [
            subprocess.Popen(_words("worker"), env=_environment(), stderr=subprocess.DEVNULL) for _ in range(workers)
        ]
        queue.ask("bench", "patient", [f"Patient/{each}" for each in ids], at_once=True)
        _until_left(queue, counted)
        began = time.perf_counter()
        _until_left(queue, 0)
        took = time.perf_counter() - began
        for process in started:
            process.terminate()
            process.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime - cpu.ru_utime - cpu.ru_stime
    print(
        f"{workers} workers: {counted / took:.2f} patients a second; {seconds:.1f} s of CPU with their start",
        flush=True,
    )
    return counted / took


def _until_left(queue: working.Queue, jobs: int) -> None:
    while (counts := queue.counts("bench")).waiting + counts.running > jobs:
        time.sleep(0.05)


@contextmanager
def _sandbox(patients: int, *more: str) -> Iterator[str]:
    words = ["sandbox", "--patients", str(patients), "--port", "8074", *more]
    with _process(words, "http://127.0.0.1:8074/fhir/metadata"):
        yield "http://127.0.0.1:8074/fhir"


@contextmanager
def _process(words: list[str], url: str) -> Iterator[None]:
    process = subprocess.Popen(_words(*words), env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _answers(url):
            assert process.poll() is None, words
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _typed(*words: str) -> None:
    subprocess.run(_words(*words), env=_environment(), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _words(*words: str) -> list[str]:
    return [sys.executable, "-m", "service.cli", *words]


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parent.parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}


if __name__ == "__main__":
    main("--hapi" in sys.argv)
