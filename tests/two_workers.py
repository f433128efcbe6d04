"""A folder in, two real workers on its lake and catalog out, and a clinic for each fault: a source with its own server.

After every fault the same must hold: `Clinic.ends_as_a_clean_run`.
"""

import json
import os
import signal
from contextlib import ExitStack, contextmanager
from itertools import count, pairwise
from pathlib import Path

import httpx
import sqlalchemy as sa
from always import came, until
from job_queues import later
from processes import finished
from processes import personalize as process
from pulled import held_by, there
from said import content, told

from service import working
from service.opening import opened
from service.pipeline import run
from service.sandbox import Faults, running
from service.settings import load
from service.tables import jobs, runs, written

JOBS = "debounce = 0\nlease = 2\nbackoff = 0\npoll = 0.1\nattempts = 3\nin_serve = false"
PEOPLE = ("p0", "p1", "p2")
OURS = ("Observation", "Provenance", "Device")


class House:
    """`clinics`: by name the faults that its server has from the start, and settings of the source, both TOML.

    THERE stands for the server's address.
    """

    def __init__(self, folder, clinics, held, top=""):
        self.folder, self.held, self.clean = folder, held, {}
        self.clinics = {name: Clinic(self, name, self._server(faults)) for name, (faults, _) in clinics.items()}
        sources = (
            f'[sources.{name}]\nurl = "{self.clinics[name].server.url}"\napply = true\n{settings}\n'.replace(
                "THERE", self.clinics[name].server.url
            )
            for name, (_, settings) in clinics.items()
        )
        (folder / "personalize.toml").write_text(f'{top}\n{"".join(sources)}[serve]\nauth = "off"\n[jobs]\n{JOBS}\n')
        self.queue = held.enter_context(working.queue(folder / "lake", load()))
        self.workers = [self.worker(), self.worker()]

    def _server(self, faults=""):
        return self.held.enter_context(running(patients=0, faults=Faults.of(faults)))

    def worker(self, version=None):
        started = process(self.folder, "worker", version=version)
        self.held.callback(ended, started)
        return started

    def send(self, signal_, *which):
        for each in which or self.workers:
            os.kill(each.pid, signal_)

    def replaced(self):
        """Another for each that has ended."""
        self.workers = [each if each.is_alive() else self.worker() for each in self.workers]

    def clean_run(self, server):
        """What a run on a fresh lake writes about what stands there now, by patient; once for the same records."""
        records = [server.store.read(*each.split("/")).body for each in sorted(there(server))]
        digest = json.dumps([bare(json.loads(each)) for each in records])
        if digest not in self.clean:
            fresh = self._server()
            fresh.store.load(json.dumps(each).encode() for each in json.loads(digest))
            with opened(self.folder / f"clean{len(self.clean)}", fresh.url) as work:
                run(work, write=True)
            self.clean[digest] = panels(fresh)
        return self.clean[digest]


class Clinic:
    def __init__(self, house, name, server):
        self.house, self.name, self.server = house, name, server
        for number, each in enumerate(PEOPLE):
            person(server, each)
            came(server, each, 1 + 4 * number)

    def goes_wrong(self, toml):
        self.server.faults.replan(Faults.of(toml).plan)

    def mended(self):
        self.goes_wrong("")
        self.server.before = self.server.faults.struck = self.server.faults.carried_out = None

    def ask(self, *patients, every=None):
        """Runs of `patients`, and of all where a kind is named by `every`."""
        if every:
            self.house.queue.ask(self.name, every, at_once=True)
        self.house.queue.ask(self.name, "patient", [f"Patient/{each}" for each in patients], at_once=True)

    def rows(self):
        with self.house.queue.engine.connect() as look:
            return list(look.execute(sa.select(jobs).where(jobs.c.source == self.name)).mappings())

    def drained(self):
        until(lambda: not [each for each in self.rows() if not each["aside"]])

    def set_aside(self):
        self.drained()
        return {each["patient"]: each["said"] for each in self.house.queue.aside(self.name)}

    def later(self, seconds):
        later(self.house.queue, seconds)

    def pulled(self):
        """What the newest complete run of all holds, and what there is: for where nothing is written into Patients."""
        with self.house.queue.engine.connect() as look:
            assert look.execute(sa.select(runs.c.run).where(runs.c.source == self.name)).first()
        return held_of_all(self.house.folder / "lake", self.name), there(self.server)

    def ends_as_a_clean_run(self):
        """One profile a patient, as of a fresh lake; no version without news; no intent open; nobody set aside."""
        assert self.set_aside() == {}
        self.mended()
        stands, clean = panels(self.server), self.house.clean_run(self.server)
        assert stands == clean, [each for each in clean if stands.get(each) != clean[each]]
        empty = [each for each in self.server.versions() if each.startswith(OURS) and not versions(self.server, each)]
        assert empty == [], {
            each: [json.loads(v.body or b"null") for v in self.server.store.history(*each.split("/"))] for each in empty
        }
        with self.house.queue.engine.connect() as look:
            ours = sa.select(runs.c.run).where(runs.c.source == self.name)
            open_ = sa.select(written.c.resource).where(written.c.run.in_(ours), written.c.state == "intended")
            assert look.execute(open_).all() == []


@contextmanager
def house(folder, clinics, top=""):
    """In `folder`, which becomes the working directory; the workers have ended afterwards, as they were told to."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        with ExitStack() as held:
            yield House(folder, clinics, held, top)
    finally:
        os.chdir(before)


def ended(process):
    if process.is_alive():
        os.kill(process.pid, signal.SIGCONT)
        process.terminate()
    finished(process)


def person(server, id, **more):
    server.store.put({"resourceType": "Patient", "id": id, "birthDate": "1970-01-01", **more})


def at(seen, *numbers):
    """A hook that calls the next of `numbers`' acts when so many requests that are `seen` have come."""
    met, acts = count(1), dict(numbers)

    def hook(method, path, body):
        if seen(method, path, body) and (act := acts.get(next(met))):
            return act()
        return None

    return hook


def writing(method, path, _body):
    return method == "POST" and path.rstrip("/") == "/fhir"


def reading(type):
    return lambda _method, path, _body: f"/{type}" in path


def panels(server):
    """What is said of each patient; exactly one panel each."""
    found = {}
    for each in server.versions():
        body = json.loads(server.store.read(*each.split("/")).body)
        if body["resourceType"] == "Observation":
            assert found.setdefault(body["subject"]["reference"], content(body)) == content(body)
    assert len(found) == sum(each.startswith("Observation/") for each in server.versions())
    return found


def versions(server, reference):
    """Whether each version, as `_history` tells, says something other than the one before; a deletion does."""
    history = server.store.history(*reference.split("/"))
    said = [told(json.loads(each.body)) if each.body else None for each in history]
    return all(one != other for one, other in pairwise(said))


def bare(resource):
    """A record without what was written into it, and as if nobody had stored it yet."""
    return {name: value for name, value in resource.items() if name not in ("meta", "extension")}


def held_of_all(lake, source):
    """Of single patients' runs nothing is a whole."""
    manifests = [
        each for each in lake.glob(f"raw/{source}/*/manifest.json") if not json.loads(each.read_text())["limited"]
    ]
    return held_by(max(manifests).parent)


def gone(server, *references):
    for each in references:
        assert httpx.delete(f"{server.url}/{each}").status_code == 204
