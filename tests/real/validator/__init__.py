"""HL7's validator for tests: `validating` runs it, `validate.sh`, `Validate.java` and `pom.xml` are what it runs."""
