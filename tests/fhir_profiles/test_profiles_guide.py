"""docs/profile/: the pages are as the sources make them, links lead somewhere, and the requests shown do as told."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import httpx

from fhir_profiles import read_profile
from fhir_profiles.guide import pages

GUIDE = Path(__file__).parents[2] / "docs" / "profile"
BY_HAND = {"using.md", "conforming.md", "choices.md"}
LINK = re.compile(r"\]\(([^)#]+)(#[^)]+)?\)")


def test_the_pages_are_as_the_sources_make_them():
    made = pages()
    assert {path.name for path in GUIDE.iterdir()} == {*made, *BY_HAND}
    stale = [name for name, text in made.items() if (GUIDE / name).read_text("utf-8") != text]
    assert stale == [], "run: python -m fhir_profiles.guide docs/profile"


def test_every_link_leads_somewhere():
    for page in GUIDE.glob("*.md"):
        for target, _ in LINK.findall(page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_of_a_definition_tells_its_rule_in_words():
    for name, text in pages().items():
        if name.partition("-")[0] in ("StructureDefinition", "CodeSystem", "SearchParameter", "ConceptMap"):
            words = text.split("([JSON](")[1].split("\n\n", 1)[1]
            assert not words.startswith(("|", "On:", "Of:", "All of them")), name


def test_every_word_that_a_version_says_otherwise_is_told():
    told = (GUIDE / "choices.md").read_text("utf-8")
    for word in ("not-applicable", "meta.source", "Device.model", "user-friendly-name", "authorization", "submitted"):
        assert word in told


def requests_shown():
    """The queries of the page, by what is asked for."""
    text = (GUIDE / "using.md").read_text("utf-8").replace("\\\n", "")
    for line in re.findall(r"^\$ (curl .*)$", text, re.MULTILINE):
        words = shlex.split(line)
        asked = next(word.removeprefix("$BASE/") for word in words if word.startswith("$BASE"))
        yield (
            asked,
            [word.split("=", 1) for before, word in pairwise(words) if before == "--data-urlencode"],
        )


def asked(sandbox, resource_type, query):
    answer = httpx.get(f"{sandbox.url}/{resource_type}", params=query)
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", [])]


def test_the_requests_shown_answer_as_told(personalize, planted_sandbox, planted):
    """On the planted patients after a whole run that writes: each one's panel with its Provenance, and the cohort."""
    ran = personalize("run", planted_sandbox.url, "--as-of", "2026-07-01", "--apply", "--json")
    assert ran.code == 0, ran.err
    (one, query), (cohort, criteria), *_ = requests_shown()
    found = {}
    for name in (name for name, wanted in planted[1].items() if wanted.get("profile", True) and wanted["level"]):
        panel, provenance = asked(planted_sandbox, one, [*query[1:], ("patient", f"Patient/{name}")])
        assert provenance["target"][0]["reference"] == f"Observation/{panel['id']}"
        found[f"Patient/{name}"] = read_profile(panel).level
    intensive = {each["subject"]["reference"] for each in asked(planted_sandbox, cohort, [*criteria, ("_count", "99")])}
    assert intensive == {patient for patient, level in found.items() if level == "intensive"} != set()
