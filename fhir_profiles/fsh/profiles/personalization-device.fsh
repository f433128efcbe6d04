// The service itself: one Device for each installation, named by every panel and every Provenance of it.

Profile: PersonalizationDevice
Parent: Device
Id: personalization-device
Title: "Personalization device"
Description: "An installation of the service that derives personalization profiles."
* insert ForUse
* identifier 1..1
* identifier.system 1..1
* identifier.system = $installation
* identifier.value 1..1
* status 1..1
* deviceName 1..1
* version 1..1
