"""What a sandbox answers instead, as its `before` hooks: refusals, and what happens at one request."""

import threading

from fastapi import Response

from service.sandbox.outcome import operation_outcome

FHIR = "application/fhir+json"


def refusal(status, said="no", **headers):
    return Response(operation_outcome("processing", said), status, headers, FHIR)


def once(matches, happening):
    """A `before` hook that does something at the first request that matches, and only then."""
    pending, lock = [True], threading.Lock()

    def before(method, path, body):
        with lock:
            if not pending or not matches(method, path, body):
                return None
            pending.clear()
        return happening()

    return before


def transactions(method, path, body):
    return method == "POST" and path == "/fhir"


def about(patient):
    return lambda method, path, body: transactions(method, path, body) and f'"Patient/{patient}"'.encode() in body
