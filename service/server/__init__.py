"""One FHIR server over HTTP: who may be reached, how it answers, how it pages."""
