// All patients of a source together. Seven in one stratum is a number by which somebody could be told: it is masked.

Instance: example-report
InstanceOf: PersonalizationReport
Usage: #example
Title: "Report"
Description: "Visits of the year, by level."
* insert MadeByUs
* status = #complete
* type = #summary
* measure = "https://w3id.org/fhir-personalization/Measure/top-patients"
* date = "2026-03-01T00:00:00-05:00"
* period.start = "2025-03-01T00:00:00-05:00"
* period.end = "2026-03-01T00:00:00-05:00"
* group.code = $measure#visits-p1y "Visits, last year"
* group.population.code = http://terminology.hl7.org/CodeSystem/measure-population#initial-population "Initial Population"
* group.population.count = 200
* group.measureScore = 3 '1' "1"
* group.stratifier.code.text = "level"
* group.stratifier.stratum[0].value.text = "standard"
* group.stratifier.stratum[0].population.code = http://terminology.hl7.org/CodeSystem/measure-population#initial-population "Initial Population"
* group.stratifier.stratum[0].population.count = 168
* group.stratifier.stratum[1].value.text = "intensive"
* group.stratifier.stratum[1].population.code = http://terminology.hl7.org/CodeSystem/measure-population#initial-population "Initial Population"
* group.stratifier.stratum[1].population.count.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group.stratifier.stratum[1].population.count.extension.valueCode = #masked
