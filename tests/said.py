"""A resource of ours in, what it says out: to be compared with another version of it, or another source."""

import json
import re

RECORDED = ("meta", "issued", "recorded")
NAMED = re.compile(r"-[0-9a-f]{40}")  # the names that resources of ours have, which tell of the source's


def told(resource):
    """Without when it was recorded."""
    return {name: value for name, value in resource.items() if name not in RECORDED}


def content(resource):
    """Nor by the name of which source, and after which others."""
    said = {name: value for name, value in told(resource).items() if name not in ("id", "identifier", "device")}
    return json.loads(NAMED.sub("", json.dumps(said, sort_keys=True)).replace('"amended"', '"final"'))
