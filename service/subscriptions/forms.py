"""What is to be told of in, the Subscription that asks for it out: as R4's criteria, by the Backport, as R5 has it.

https://hl7.org/fhir/R4/subscription.html, https://hl7.org/fhir/uv/subscriptions-backport/, https://hl7.org/fhir/R5/subscription.html
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

Form = Literal["criteria", "backport", "r5"]
Content = Literal["empty", "id-only", "full-resource"]
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
CHANNELS = "http://terminology.hl7.org/CodeSystem/subscription-channel-type"
REASON = "Profiles are derived anew when visits or claims change"
JSON = "application/fhir+json"
HEARTBEAT = 600  # seconds


@dataclass(frozen=True)
class Wanted:
    """`criteria` is a search of R4 such as `Encounter?`, or the URL of a topic."""

    form: Form
    criteria: str
    content: Content
    endpoint: str
    secret: str
    end: dt.datetime

    @property
    def header(self) -> str:
        return f"Bearer {self.secret}"

    def resource(self) -> dict[str, Any]:
        """As it is created: its status is `requested`, and the server makes it active."""
        shared: dict[str, Any] = {"resourceType": "Subscription", "status": "requested", "reason": REASON}
        return {**shared, "end": self.end.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **self._own()}

    def _own(self) -> dict[str, Any]:
        if self.form == "r5":
            return self._r5()
        channel: dict[str, Any] = {
            "type": "rest-hook",
            "endpoint": self.endpoint,
            "header": [f"Authorization: {self.header}"],
        }
        if self.form == "backport":
            said = {"url": f"{BACKPORT}/backport-payload-content", "valueCode": self.content}
            beat = {"url": f"{BACKPORT}/backport-heartbeat-period", "valueUnsignedInt": HEARTBEAT}
            channel |= {"extension": [beat], "payload": JSON, "_payload": {"extension": [said]}}
            profile = {"meta": {"profile": [f"{BACKPORT}/backport-subscription"]}}
            return {**profile, "criteria": self.criteria, "channel": channel}
        return {"criteria": self.criteria, "channel": channel | self._payload()}

    def _payload(self) -> dict[str, str]:
        """Without one nothing of anybody leaves the server: it is asked what changed."""
        return {"payload": JSON} if self.content == "full-resource" else {}

    def _r5(self) -> dict[str, Any]:
        return {
            "topic": self.criteria,
            "channelType": {"system": CHANNELS, "code": "rest-hook"},
            "endpoint": self.endpoint,
            "parameter": [{"name": "Authorization", "value": self.header}],
            "heartbeatPeriod": HEARTBEAT,
            "contentType": JSON,
            "content": self.content,
        }


def differences(asked: dict[str, Any], stands: dict[str, Any]) -> list[str]:
    """What a server made other than it was asked to; the secret may be hidden, `end` brought forward."""
    names = ("criteria", "topic", "content", "endpoint")
    changed = [name for name in names if asked.get(name) != stands.get(name)]
    ours, theirs = asked.get("channel", {}), stands.get("channel", {})
    changed += [f"channel.{name}" for name in ("type", "endpoint", "payload") if ours.get(name) != theirs.get(name)]
    return changed
