// Rule sets named by what their user wants to say. The first part is for definitions, the rest for examples.

// Every definition says who publishes it, and that it is meant for use, not a try-out.
RuleSet: ForUse
* ^publisher = "fhir-personalization"
* ^experimental = false

// A code system that is whole, case-sensitive and flat, with the value set that holds all of it.
RuleSet: WholeCodeSystem(valueSet)
* insert ForUse
* ^caseSensitive = true
* ^valueSet = "https://w3id.org/fhir-personalization/ValueSet/{valueSet}"

// What the code system of measures tells about each measure besides its definition.
RuleSet: MeasureProperties
* ^property[+].code = #dimension
* ^property[=].description = "Which of the seven expected benefits the measure belongs to."
* ^property[=].type = #Coding
* ^property[+].code = #window
* ^property[=].description = "The time over which the measure looks back."
* ^property[=].type = #Coding
* ^property[+].code = #unit
* ^property[=].description = "The unit of the value: a UCUM code, or 'currency', or 'date'."
* ^property[=].type = #string
* ^property[+].code = #source
* ^property[=].description = "Where the formula is published; 'own' where it is not."
* ^property[=].type = #string
* ^property[+].code = #formula
* ^property[=].description = "What is counted or divided, in words and symbols."
* ^property[=].type = #string
* ^property[+].code = #unknown
* ^property[=].description = "When the measure has a dataAbsentReason instead of a value; it is never zero then."
* ^property[=].type = #string

// The properties of one measure, under its code.
RuleSet: MeasureEntry(dimension, window, unit, source, formula, unknown)
* ^property[+].code = #dimension
* ^property[=].valueCoding = $dimension#{dimension}
* ^property[+].code = #window
* ^property[=].valueCoding = $window#{window}
* ^property[+].code = #unit
* ^property[=].valueString = "{unit}"
* ^property[+].code = #source
* ^property[=].valueString = "{source}"
* ^property[+].code = #formula
* ^property[=].valueString = "{formula}"
* ^property[+].code = #unknown
* ^property[=].valueString = "{unknown}"

// What a report measures. Its groups are made anew for each report, so that a Measure says in words what they are.
RuleSet: Report(id, name, title)
* url = "https://w3id.org/fhir-personalization/Measure/{id}"
* version = "0.1.0"
* name = "{name}"
* title = "{title}"
* status = #draft
* experimental = false
* publisher = "fhir-personalization"

RuleSet: ScoredAs(scoring, display)
* scoring = http://terminology.hl7.org/CodeSystem/measure-scoring#{scoring} "{display}"

RuleSet: Group(text)
* group.description = "{text}"

// A criterion is in words: no language of expressions applies.
RuleSet: Population(code, display, text)
* group.population[+].code = http://terminology.hl7.org/CodeSystem/measure-population#{code} "{display}"
* group.population[=].description = "{text}"
* group.population[=].criteria.language.extension[0].url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group.population[=].criteria.language.extension[0].valueCode = #not-applicable
* group.population[=].criteria.expression = "{text}"

// `code` is the text by which a report calls it.
RuleSet: Stratifier(code, text)
* group.stratifier[+].code.text = "{code}"
* group.stratifier[=].description = "{text}"

// What a search of ours looks at, in each FHIR version the same.
RuleSet: Search(code, name, text)
* url = "https://w3id.org/fhir-personalization/SearchParameter/{code}"
* version = "0.1.0"
* name = "{name}"
* status = #active
* experimental = false
* publisher = "fhir-personalization"
* description = "{text}"
* code = #{code}
* base[0] = #Patient
* base[1] = #Observation
* xpathUsage = #normal

// What the service needs of a server: SHALL, SHOULD or MAY.
RuleSet: Needs(type, expectation, why)
* rest.resource[+].type = #{type}
* rest.resource[=].documentation = "{why}"
* rest.resource[=].extension[0].url = $expectation
* rest.resource[=].extension[0].valueCode = #{expectation}

RuleSet: Interaction(code, expectation)
* rest.resource[=].interaction[+].code = #{code}
* rest.resource[=].interaction[=].extension[0].url = $expectation
* rest.resource[=].interaction[=].extension[0].valueCode = #{expectation}

RuleSet: SearchBy(name, type, expectation)
* rest.resource[=].searchParam[+].name = "{name}"
* rest.resource[=].searchParam[=].type = #{type}
* rest.resource[=].searchParam[=].extension[0].url = $expectation
* rest.resource[=].searchParam[=].extension[0].valueCode = #{expectation}

// As SearchBy, by a parameter that is published here.
RuleSet: SearchByOurs(name, type)
* insert SearchBy({name}, {type}, SHALL)
* rest.resource[=].searchParam[=].definition = "https://w3id.org/fhir-personalization/SearchParameter/{name}"

// One code of ours and the public code that comes nearest to it.
RuleSet: Source(code, display)
* group[=].element[+].code = #{code}
* group[=].element[=].display = "{display}"

RuleSet: Target(code, equivalence, comment)
* group[=].element[=].target[+].code = #{code}
* group[=].element[=].target[=].equivalence = #{equivalence}
* group[=].element[=].target[=].comment = "{comment}"

// A resource that this service created says so: who made it, for which installation, how confidential.
// HL7's code DEVAST is "asserted by a device"; R is the usual high-water mark of visits and claims.
RuleSet: MadeByUs
* meta.source = "https://w3id.org/fhir-personalization/installation/example"
* meta.tag = $installation#example
* meta.security[+] = $observation-value#DEVAST
* meta.security[+] = $confidentiality#R

// A panel of the year before 1 March 2026 in New York, as the service identifies and dates it.
RuleSet: PanelOf(patient, identifier)
* insert MadeByUs
* identifier.system = $profile-identifier
* identifier.value = "{identifier}"
* status = #final
* category[personalization] = $category#personalization "Personalization"
* code = $measure#profile "Personalization profile"
* subject = Reference(Patient/{patient})
* effectivePeriod.start = "2025-03-01T00:00:00-05:00"
* effectivePeriod.end = "2026-03-01T00:00:00-05:00"
* issued = "2026-03-01T00:00:00-05:00"
* method.text = "fhir-personalization 0.1.0"
* device = Reference(Device/example-device)
* extension[personalization].extension[asOf].valueDateTime = "2026-03-01T00:00:00-05:00"
* extension[personalization].extension[validUntil].valueDateTime = "2026-04-01T00:00:00-04:00"
* extension[personalization].extension[frameworkVersion].valueString = "0.1.0"

// The level stands twice, in the value for searches and in the extension for readers of both places.
RuleSet: Level(code, display)
* valueCodeableConcept = $level#{code} "{display}"
* extension[personalization].extension[level].valueCode = #{code}

// Whom the patient usually sees, or where.
RuleSet: Usual(provider, role, share, visits)
* extension[usual-provider][+].extension[provider].valueReference = Reference({provider})
* extension[usual-provider][=].extension[role].valueCode = #{role}
* extension[usual-provider][=].extension[share].valueDecimal = {share}
* extension[usual-provider][=].extension[visits].valueDecimal = {visits}

RuleSet: NoLevel(reason, display, text)
* dataAbsentReason = $absent#{reason} "{display}"
* dataAbsentReason.text = "{text}"

RuleSet: Pathway(code, display)
* extension[personalization].extension[pathway][+].valueCodeableConcept = $pathway#{code} "{display}"

// One rule that fired, with the number that made it fire and the number it was compared with.
RuleSet: Because(rationale, measure, value, unit, threshold)
* extension[rationale][+].extension[code].valueCode = #{rationale}
* extension[rationale][=].extension[measure].valueCode = #{measure}
* extension[rationale][=].extension[value].valueQuantity = {value} '{unit}' "{unit}"
* extension[rationale][=].extension[threshold].valueQuantity = {threshold} '{unit}' "{unit}"

RuleSet: BecauseMoney(rationale, measure, amount, currency, threshold)
* extension[rationale][+].extension[code].valueCode = #{rationale}
* extension[rationale][=].extension[measure].valueCode = #{measure}
* extension[rationale][=].extension[value].valueQuantity = {amount} $currency#{currency} "{currency}"
* extension[rationale][=].extension[threshold].valueQuantity = {threshold} $currency#{currency} "{currency}"

RuleSet: BecauseSince(rationale, measure, day, months)
* extension[rationale][+].extension[code].valueCode = #{rationale}
* extension[rationale][=].extension[measure].valueCode = #{measure}
* extension[rationale][=].extension[value].valueDate = "{day}"
* extension[rationale][=].extension[threshold].valueQuantity = {months} 'mo' "mo"

// A component and the ground under its number.
RuleSet: Measure(code, window, display)
* component[+].code = $measure#{code} "{display}"
* component[=].extension[basis].extension[window].valueCode = #{window}
* component[=].extension[basis].extension[definition].valueUri = "https://w3id.org/fhir-personalization/CodeSystem/personalization-measure#{code}"

RuleSet: Count(code, window, display, count)
* insert Measure({code}, {window}, [[{display}]])
* component[=].valueQuantity = {count} '1' "1"

RuleSet: Days(code, window, display, days)
* insert Measure({code}, {window}, [[{display}]])
* component[=].valueQuantity = {days} 'd' "d"

RuleSet: Day(code, window, display, day)
* insert Measure({code}, {window}, [[{display}]])
* component[=].valueDateTime = "{day}"

// An amount in one currency; the code XXX stands for "no amount in any currency", which is a known zero.
RuleSet: Money(code, window, display, amount, currency)
* insert Measure({code}, {window}, [[{display}]])
* component[=].valueQuantity = {amount} $currency#{currency} "{currency}"

// A ratio keeps the two whole numbers that it came from, and how much of the visits it could use.
RuleSet: Ratio(code, window, display, ratio, numerator, denominator, coverage)
* insert Measure({code}, {window}, [[{display}]])
* component[=].valueQuantity = {ratio} '1' "1"
* component[=].extension[basis].extension[numerator].valueDecimal = {numerator}
* component[=].extension[basis].extension[denominator].valueDecimal = {denominator}
* component[=].extension[basis].extension[coverage].valueDecimal = {coverage}

RuleSet: Unknown(code, window, display, reason, reasonDisplay, text)
* insert Measure({code}, {window}, [[{display}]])
* component[=].dataAbsentReason = $absent#{reason} "{reasonDisplay}"
* component[=].dataAbsentReason.text = "{text}"
