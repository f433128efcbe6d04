"""The body of a call in, what it tells of out: Parameters of R4, SubscriptionStatus of R4B and R5, or one resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

TYPES = ("handshake", "heartbeat", "event-notification", "query-status", "query-event")
BUNDLES = ("history", "subscription-notification")


class NoNotification(Exception):
    """What came is none."""


@dataclass(frozen=True)
class Notification:
    """`type` is empty for a plain call of R4. `total` is how many events there were since it began, None unsaid;
    `numbers` those in this call; `resources` what came with it."""

    type: str = ""
    status: str = "active"
    total: int | None = None
    numbers: tuple[int, ...] = ()
    resources: tuple[dict[str, Any], ...] = field(default=())

    def new(self, last: int) -> bool:
        """Whether any of it is about events after that number; who gives no numbers may always be new."""
        return not self.numbers or max(self.numbers) > last

    def lacks(self, last: int) -> bool:
        """Whether events between that number and these were lost on the way."""
        known = max([last, *self.numbers])
        jumped = bool(self.numbers) and set(range(last + 1, known + 1)) - set(self.numbers) != set()
        return jumped or (self.total is not None and self.total > known)


def read(body: dict[str, Any]) -> Notification:
    """NoNotification says why it is none."""
    if body.get("resourceType") != "Bundle":
        return Notification(resources=(body,))
    entries = [each for each in _list(body.get("entry")) if isinstance(each, dict)]
    if body.get("type") not in BUNDLES or not entries:
        raise NoNotification("a notification is a Bundle of the type history or subscription-notification")
    status = entries[0].get("resource")
    told = _status(status if isinstance(status, dict) else {})
    if told.get("type") not in TYPES:
        raise NoNotification("its first entry is no status of a Subscription")
    resources = tuple(each["resource"] for each in entries[1:] if isinstance(each.get("resource"), dict))
    events = [each for each in _list(told.get("notificationEvent")) if isinstance(each, dict)]
    return Notification(
        type=str(told["type"]),
        status=str(told.get("status", "active")),
        total=_number(told.get("eventsSinceSubscriptionStart")),
        numbers=tuple(sorted(n for each in events if (n := _number(each.get("eventNumber"))) is not None)),
        resources=resources,
    )


def _status(resource: dict[str, Any]) -> dict[str, Any]:
    if resource.get("resourceType") == "SubscriptionStatus":
        return resource
    if resource.get("resourceType") == "Parameters":
        return dict(_parameters(resource.get("parameter")))
    return {}


def _parameters(parameters: Any) -> Iterator[tuple[str, Any]]:
    """By the names that R5 gives them; events are a list."""
    events = []
    for each in _list(parameters):
        if not isinstance(each, dict):
            continue
        if each.get("name") == "notification-event":
            events.append(dict(_parameters(each.get("part"))))
        else:
            value = next((value for name, value in each.items() if name.startswith("value")), None)
            yield _camel(str(each.get("name"))), value
    yield "notificationEvent", events


def _camel(name: str) -> str:
    first, *rest = name.split("-")
    return first + "".join(part.title() for part in rest)


def _number(value: Any) -> int | None:
    """An integer64 is a string in JSON; a number is taken too."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
