"""One file per FHIR interaction: a request in, a response out. https://hl7.org/fhir/R4/http.html"""
