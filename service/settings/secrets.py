"""A secret, or the file that holds it, in; its text out."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from service.errors import WrongUsage


def secret_text(name: str, text: SecretStr | None, file: Path | None) -> str | None:
    if file is None:
        return text.get_secret_value() if text else None
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"the {name} cannot be read", where=str(file), do=f"check {name}_file") from error
