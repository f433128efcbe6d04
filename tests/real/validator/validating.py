"""In: a FHIR version and resources by name. Out: what HL7's validator says of each, with our package.tgz loaded."""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fhir_profiles
from service.compose.content import encode

VALIDATE = Path(__file__).with_name("validate.sh")
RELEASED = re.search(r"hapi-fhir-validation</artifactId><version>([^<]+)", VALIDATE.with_name("pom.xml").read_text())[1]
FOLDERS = {"STU3": "stu3", "R4": "r4", "R5": "r5"}

Json = dict[str, Any]


class ValidatorFailed(Exception):
    """The validator ended before it had judged everything."""


@dataclass(frozen=True)
class Issue:
    """One line of what it says."""

    severity: str
    place: str
    words: str

    @property
    def wrong(self) -> bool:
        """Whether it rejects the resource."""
        return self.severity in ("error", "fatal")

    def __str__(self) -> str:
        return f"{self.severity} {self.place}: {self.words}"


def judged(version: str, folder: Path, resources: Mapping[str, Json]) -> dict[str, list[Issue]]:
    """What is said of each of these; one JVM for all, which takes 20 to 60 s to be ready, then 0.1 s for each."""
    answers, sent = folder / "answers", folder / "sent"
    for place in (answers, sent):
        place.mkdir(parents=True)
    for name, resource in resources.items():
        (sent / f"{name}.json").write_bytes(encode(resource))
    package = Path(fhir_profiles.__file__).parent / FOLDERS[version] / "package.tgz"
    words = [str(VALIDATE), version, str(package), str(sent), str(answers)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found = {answer.stem: _issues(json.loads(answer.read_text("utf-8"))) for answer in sorted(answers.iterdir())}
    if done.returncode != 0 or found.keys() != resources.keys():
        raise ValidatorFailed(f"{version}: {done.stdout[-500:]}\n{done.stderr[-3000:]}")
    return found


def _issues(outcome: Json) -> list[Issue]:
    return [
        Issue(
            each["severity"], (each.get("expression") or each.get("location") or [""])[0], each.get("diagnostics", "")
        )
        for each in outcome.get("issue", ())
    ]
