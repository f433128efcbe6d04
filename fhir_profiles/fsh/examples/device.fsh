// The service itself, one Device for each installation: the agent of every Provenance.

Instance: example-device
InstanceOf: PersonalizationDevice
Usage: #example
Title: "The service"
Description: "The installation that derived the examples."
* insert MadeByUs
* identifier.system = "https://w3id.org/fhir-personalization/installation"
* identifier.value = "example"
* status = #active
* deviceName.name = "fhir-personalization"
* deviceName.type = #other
* version.value = "0.1.0"
