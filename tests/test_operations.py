"""What operators are given holds together: dashboard and alerts name metrics that exist, compose commands that do."""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from service.facade.metrics import Metrics
from service.jobs.queue import KINDS
from service.settings import Settings

ROOT = Path(__file__).parent.parent
DASHBOARD = json.loads((ROOT / "operations" / "grafana.json").read_text())
ALERTS = yaml.safe_load((ROOT / "operations" / "alerts.yaml").read_text())
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
ASKED = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
ASKED += [rule["expr"] for rule in RULES]


def exist():
    """Every series that `/metrics` can have."""
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", Metrics().text().decode(), re.MULTILINE))
    parts = {f"{name}{part}" for name, kind in kinds.items() if kind == "histogram" for part in ("_bucket", "_count")}
    return set(kinds) | parts


@pytest.mark.parametrize("asked", ASKED)
def test_every_metric_that_is_asked_for_exists(asked):
    named = set(re.findall(r"\bpersonalize_\w+", asked))
    assert named
    assert named <= exist()


def test_every_metric_of_ours_is_shown():
    shown = set(re.findall(r"\bpersonalize_\w+", " ".join(ASKED)))
    ours = {re.sub(r"_(created|bucket|count|sum)$", "", name) for name in exist() if "_created" not in name}
    assert {name for name in ours if name.startswith("personalize_")} <= shown | {"personalize_request_seconds"}


def test_labels_that_are_asked_for_are_words_that_are_said():
    said = {"state": {"waiting", "running", "aside"}, "ended": {"done", "failed", "aside", "off", "lost"}}
    for label, words in re.findall(r'(state|ended)=~?"([^"]+)"', " ".join(ASKED)):
        assert set(words.split("|")) <= said[label]
    assert "patient" in KINDS


def test_every_alert_says_what_to_do():
    assert len({rule["alert"] for rule in RULES}) == len(RULES) >= 5
    for rule in RULES:
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["do"]
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_panels_have_places_of_their_own():
    places = [(each["gridPos"]["x"], each["gridPos"]["y"]) for each in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert len({each["id"] for each in DASHBOARD["panels"]}) == len(places)


def test_the_composition_has_all_parts_and_each_is_watched():
    services = COMPOSE["services"]
    assert set(services) == {"lake", "service", "worker", "redis", "postgres", "hapi"}
    for name in ("service", "redis", "postgres"):
        assert services[name]["healthcheck"]["test"][0] == "CMD"
    for name in ("service", "worker"):
        assert services[name]["stop_grace_period"]
        assert set(services[name]["depends_on"]) == {"lake", "postgres", "redis"}
        assert set(services[name]["secrets"]) <= set(COMPOSE["secrets"])


@pytest.mark.parametrize("spoilt", ["", "depend_on", "depends_on", "healthcheck"])
def test_the_composition_is_as_its_specification_says(tmp_path, spoilt):
    """By the Compose Specification's own JSON schema; and what is not so is found by it."""
    composition = copy.deepcopy(COMPOSE)
    if spoilt:
        composition["services"]["worker"][spoilt] = "something"
    (tmp_path / "compose.json").write_text(json.dumps(composition))
    words = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", tmp_path / "compose.json"]
    said = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert (said.returncode == 0) == (not spoilt), said.stdout


def test_volumes_and_ports_of_the_composition():
    for each in COMPOSE["services"].values():
        named = {place.partition(":")[0] for place in each.get("volumes", []) if not place.startswith(".")}
        assert named <= set(COMPOSE["volumes"])
        assert all(port.startswith("127.0.0.1:") for port in each.get("ports", []))
        assert ":latest" not in each.get("image", "")


@pytest.mark.parametrize("name", ["service", "worker"])
def test_commands_of_the_composition_are_commands(personalize, name):
    _, verb, *words = COMPOSE["services"][name]["command"]
    said = personalize(verb, "--help")
    assert said.code == 0
    assert {word for word in words if word.startswith("--")} <= set(re.findall(r"--[a-z]+", said.out))


def test_settings_of_the_composition_are_settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, value in COMPOSE["services"]["worker"]["environment"].items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.catalog().startswith("postgresql://")
    assert settings.redis().startswith("unix://")
    assert not re.search(r"password[:=]\s*\w", (ROOT / "compose.yaml").read_text().lower().replace("_file", ""))
