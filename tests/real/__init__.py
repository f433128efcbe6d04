"""Tests that need real parts: a HAPI FHIR server, Redis, PostgreSQL, a browser."""
