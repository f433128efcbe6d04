"""A FHIR server in, `raw/<source>/<run>/` out: one NDJSON file a type, and a manifest of what came and what did not."""

from service.pull.earlier import Earlier
from service.pull.manifest import Manifest, Progress, Pulled, lines, whole
from service.pull.pull import READ_BY_PATIENT, UNCONFIGURED_PATIENTS, pull
from service.pull.whom import patient_ids

__all__ = [
    "READ_BY_PATIENT",
    "UNCONFIGURED_PATIENTS",
    "Earlier",
    "Manifest",
    "Progress",
    "Pulled",
    "lines",
    "patient_ids",
    "pull",
    "whole",
]
