"""Of a hospital that is pulled by exports: its settings in, what was told and asked for out."""

from urllib.parse import parse_qs, urlsplit


def configure(hospital, settings):
    config = f'[sources.hospital]\nurl = "{hospital.url}"\npage_size = 4\n{settings}\n'
    (hospital.root / "personalize.toml").write_text(config)


def notes(said):
    assert said.code == 0, said.err
    return " ".join(said.json["notes"])


def kick_offs(hospital):
    return hospital.asked("$export")


def asked_for(path):
    return {name: value for name, (value,) in parse_qs(urlsplit(path).query).items()}


def files(hospital):
    return hospital.asked(".ndjson")
