"""`personalize.toml` and the environment in, typed settings out."""

from service.settings.own import Own
from service.settings.settings import (
    CONFIG_FILE,
    LOCAL_INSTALLATION,
    PullBy,
    ReviewRule,
    Settings,
    Source,
    WriteRung,
    load,
    share_or_count,
)

__all__ = [
    "CONFIG_FILE",
    "LOCAL_INSTALLATION",
    "Own",
    "PullBy",
    "ReviewRule",
    "Settings",
    "Source",
    "WriteRung",
    "load",
    "share_or_count",
]
