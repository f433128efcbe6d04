"""What happens to a patient in, records of it on an embedded server out; and waiting for what is to come of it."""

import json
import time

NOW = time.time()
EMERGENCY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"}


def came(sandbox, patient, times):
    """So many visits to the emergency room in the last days; the last of them."""
    for number in range(times):
        day = time.strftime("%Y-%m-%dT10:00:00Z", time.gmtime(NOW - 86_400 * (number + 2)))
        visit = {
            "resourceType": "Encounter",
            "id": f"{patient}-{number}",
            "status": "finished",
            "class": EMERGENCY,
            "subject": {"reference": f"Patient/{patient}"},
            "period": {"start": day, "end": day.replace("T10", "T11")},
        }
        sandbox.store.load([json.dumps(visit).encode()])
    return visit


def until(seen, seconds=240):
    """Waits for what is to happen; a test that hangs fails here."""
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
