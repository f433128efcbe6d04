"""In: a folder of NDJSON (one file a type, plain or gzipped), a FHIR server's base. Out: they are there, counted."""

import gzip
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import httpx

DATA = Path(__file__).parents[1] / "data"
# Patients first: every other type refers to them. Few tests read ExplanationOfBenefit, a third of the load.
USUAL_TYPES = ("Patient", "Organization", "Practitioner", "Encounter", "Claim")
ALL_TYPES = (*USUAL_TYPES, "ExplanationOfBenefit")
BUNDLE_SIZE = 200
IN_FLIGHT = 4


class LoadingFailed(Exception):
    """A server did not take a Bundle whole."""


@dataclass(frozen=True)
class Loaded:
    """What went up: resources by type, and how long it took."""

    counts: dict[str, int]
    seconds: float

    @property
    def total(self) -> int:
        """All resources, of every type."""
        return sum(self.counts.values())

    def __str__(self) -> str:
        return f"{self.total} resources in {self.seconds:.0f} s, {self.total / self.seconds:.0f}/s"


def load(base: str, folder: Path, types: Sequence[str] = USUAL_TYPES) -> Loaded:
    """PUT the folder's resources of these types, type after type; prints the rate. LoadingFailed if one is refused."""
    started = time.monotonic()
    with httpx.Client(base_url=base, timeout=300, headers={"Content-Type": "application/fhir+json"}) as server:
        counts = {kind: load_type(server, kind, lines(folder, kind)) for kind in types}
    loaded = Loaded(counts, time.monotonic() - started)
    print(f"loaded {folder.name}: {loaded}")
    return loaded


def load_type(server: httpx.Client, kind: str, resources: Iterable[str]) -> int:
    """PUT one type's resources in transactions, several in flight; returns how many."""
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        return sum(pool.map(lambda batch: put(server, kind, batch), batches(resources)))


def put(server: httpx.Client, kind: str, resources: Sequence[str]) -> int:
    """PUT these resources in one transaction Bundle; all of them are stored or LoadingFailed says why."""
    response = server.post("", content=transaction(resources))
    if response.status_code != 200:
        why = f"{response.status_code} {response.text[:600]}"
        raise LoadingFailed(f"{server.base_url} refused a transaction of {len(resources)} {kind}: {why}")
    answers = [entry["response"]["status"] for entry in response.json()["entry"]]
    if refused := [status for status in answers if not status.startswith(("200", "201"))]:
        raise LoadingFailed(f"{server.base_url} refused {len(refused)} of {len(answers)} {kind}: {set(refused)}")
    return len(resources)


def transaction(resources: Iterable[str]) -> str:
    """A transaction Bundle with one PUT a resource; their JSON goes in as it stands: decimals keep their zeros."""
    return f'{{"resourceType":"Bundle","type":"transaction","entry":[{",".join(map(entry, resources))}]}}'


def entry(resource: str) -> str:
    """One Bundle entry that PUTs this resource (JSON text) under its own id."""
    head = json.loads(resource)
    url = json.dumps(f"{head['resourceType']}/{head['id']}")
    return f'{{"resource":{resource},"request":{{"method":"PUT","url":{url}}}}}'


def lines(folder: Path, kind: str) -> Iterator[str]:
    """The folder's resources of one type as JSON text; none when it has no file for that type."""
    plain, packed = folder / f"{kind}.ndjson", folder / f"{kind}.ndjson.gz"
    if plain.exists():
        yield from filter(None, plain.read_text("utf-8").splitlines())
    elif packed.exists():
        with gzip.open(packed, "rt", encoding="utf-8") as text:
            yield from filter(None, map(str.strip, text))


def batches(resources: Iterable[str]) -> Iterator[list[str]]:
    """The resources in lists of BUNDLE_SIZE."""
    waiting = iter(resources)
    while batch := list(islice(waiting, BUNDLE_SIZE)):
        yield batch
