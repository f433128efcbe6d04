// A report about all patients of a source, in which nobody can be told: counts, scores and strata, suppressed below 11.
//
// - A summary names no subject.
// - A number that is suppressed is `masked` and never 0: a zero is a finding, and is shown.

Profile: PersonalizationReport
Parent: MeasureReport
Id: personalization-report
Title: "Personalization report"
Description: "How levels, pathways and measures are spread over the patients of a source."
* insert ForUse
* obeys pers-report-1 and pers-report-2
* type = #summary
* measure 1..1
* subject 0..0
* date 1..1
* group 1..*

Invariant: pers-report-1
Description: "The report names one of the measures of this guide."
Severity: #error
Expression: "measure.startsWith('https://w3id.org/fhir-personalization/Measure/')"

Invariant: pers-report-2
Description: "A count is shown, or masked because it is between 1 and 10."
Severity: #error
Expression: "group.population.all(count.hasValue() implies (count = 0 or count > 10)) and group.stratifier.stratum.population.all(count.hasValue() implies (count = 0 or count > 10))"
