"""In: a FHIR version. Out: a HAPI FHIR server of our own on a free loopback port, its in-memory database empty."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

START = Path(__file__).with_name("start.sh")
NEEDED = {"java": "a JDK 17 or newer", "javac": "a JDK 17 or newer", "mvn": "Maven"}
READY_WITHIN = 600  # seconds: the first start of all downloads 294 MB


class HapiFailed(Exception):
    """The server ended, or stayed silent, before it was ready."""


@dataclass(frozen=True)
class Hapi:
    """A running server: its base, what it says it is, and how long it took to be ready."""

    base: str
    software: str
    fhir_version: str
    ready_seconds: float

    def client(self) -> httpx.Client:
        """A client on the base that speaks FHIR JSON; the caller closes it."""
        headers = {"Accept": "application/fhir+json", "Content-Type": "application/fhir+json"}
        return httpx.Client(base_url=self.base, headers=headers, timeout=120)

    def __str__(self) -> str:
        return f"{self.software} {self.fhir_version} ({self.base}), ready after {self.ready_seconds:.0f} s"


def missing_tools() -> list[str]:
    """What this machine lacks to start a HAPI, in words."""
    return sorted({words for tool, words in NEEDED.items() if shutil.which(tool) is None})


@contextmanager
def running(folder: Path, fhir_version: str = "R4") -> Iterator[Hapi]:
    """A HAPI for as long as the block lasts; its log goes into the folder. HapiFailed when it does not come up."""
    started = time.monotonic()
    out, log = folder / "hapi.out", folder / "hapi.log"
    with out.open("w") as answers, log.open("w") as errors:
        process = subprocess.Popen([START, "0", fhir_version], stdin=subprocess.DEVNULL, stdout=answers, stderr=errors)
    try:
        base = wait_for_base(process, out, log)
        yield introduce(base, fhir_version, started)
    finally:
        stop(process)


def wait_for_base(process: subprocess.Popen[bytes], out: Path, log: Path) -> str:
    """The base that the server prints once it listens."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if ready := re.search(r"^READY (\S+)\n", out.read_text(), re.MULTILINE):
            return ready[1]
        if process.poll() is not None:
            raise HapiFailed(f"HAPI ended with {process.returncode} before it was ready\n{log.read_text()[-2000:]}")
        time.sleep(0.2)
    raise HapiFailed(f"HAPI was not ready within {READY_WITHIN} s\n{log.read_text()[-2000:]}")


def introduce(base: str, fhir_version: str, started: float) -> Hapi:
    """Ask the server what it is: its first answer to /metadata is also the proof that it serves."""
    software = httpx.get(f"{base}/metadata", timeout=120).raise_for_status().json()["software"]
    name = software["name"].removesuffix(" Server")
    return Hapi(base, f"{name} {software['version']}", fhir_version, time.monotonic() - started)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process that we started, and no other."""
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
