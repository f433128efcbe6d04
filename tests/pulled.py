"""A lake and a server in, what each holds out: {Type/id: version} of every resource of the types that are read."""

import json

from service import raw
from service.pull.pull import READ


def held(lake):
    """Of the newest run that is complete, from its files; none stands there twice."""
    return held_by(max(path.parent for path in lake.glob("raw/*/*/manifest.json")))


def held_by(run):
    """Of this run."""
    lines = [
        json.loads(line) for file in run.glob("*.ndjson") if raw.LATER not in file.name for line in raw.lines_of(file)
    ]
    found = {f"{line['resourceType']}/{line['id']}": int(line["meta"]["versionId"]) for line in lines}
    assert len(found) == len(lines)
    return found


def there(server):
    """On a sandbox."""
    return {each: version for each, version in server.versions().items() if each.split("/")[0] in READ}
