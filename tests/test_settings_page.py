"""Every setting is described, the page is what the model says, and the file that `sources init` writes is read back."""

from pathlib import Path

import pytest

from service.settings import Settings, Source
from service.settings import page as settings_page
from service.settings.serve import HookClient, Issuer, Serve


def test_the_page_is_current():
    current = settings_page.PAGE.read_text("utf-8") == settings_page.page()
    assert current, "docs/settings.md: run python -m service.settings.page"


@pytest.mark.parametrize("model", [Settings, Source, Serve, Issuer, HookClient])
def test_every_setting_is_described(model):
    bare = [name for name, field in model.model_fields.items() if not field.description]
    assert set(bare) <= set(settings_page.SET_ELSEWHERE)


def test_init_writes_settings_that_are_read_back_and_leaves_those_that_are_there(personalize, monkeypatch):
    said = personalize("sources", "init", "clinic", "https://fhir.example.org/r4")
    assert (said.code, Path("personalize.toml").stat().st_mode & 0o777) == (0, 0o600)
    first = Settings()
    assert first.sources["clinic"].url == "https://fhir.example.org/r4"
    assert first.installation.startswith("i-")
    again = personalize("sources", "init")
    assert again.code == 2 and "it is there already" in again.err
    assert Settings() == first


def test_each_commented_line_holds_once_it_is_no_comment(personalize, tmp_path):
    """But for those that name a file, a secret or an address of the operator's own."""
    personalize("sources", "init")
    lines = Path("personalize.toml").read_text().splitlines()
    plain = [line.removeprefix("# ") if " = " in line and '""' not in line else line for line in lines]
    Path("personalize.toml").write_text("\n".join(plain))
    assert Settings().sources["hospital"].page_size == 500


def test_each_source_is_tried(personalize, planted_sandbox, tmp_path):
    (tmp_path / "personalize.toml").write_text(
        f'[sources.here]\nurl = "{planted_sandbox.url}"\n[sources.gone]\nurl = "http://127.0.0.1:9/fhir"\n'
    )
    said = personalize("sources", "test")
    assert said.code == 1
    assert "ok here: FHIR R4, written to as observation" in said.out
    assert "!! gone: no connection" in said.out
    assert personalize("sources", "test", "here").code == 0
