"""From FHIR servers to one standardized personalization profile per patient, and back as FHIR."""

__version__ = "0.1.0"
