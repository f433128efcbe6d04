"""A HAPI FHIR server for tests: `server` starts one, `start.sh`, `Main.java` and `pom.xml` are what it starts."""
