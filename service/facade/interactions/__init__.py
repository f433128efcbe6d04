"""The interactions of FHIR that are served, a file each."""
