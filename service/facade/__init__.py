"""The profiles in a lake in, a FHIR server that only reads, and CDS Hooks, out: `personalize serve`."""
