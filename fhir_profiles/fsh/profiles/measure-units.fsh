// In which unit a measure of the panel is given; the catalogue alone feeds this file. A number in another unit is
// another number, and a reader would take it for this one.

Invariant: pers-unit-1
Description: "A count, a ratio or an index is a Quantity in 1 (UCUM)."
Severity: #error
Expression: "value.exists() and code.coding.where(system = 'https://w3id.org/fhir-personalization/CodeSystem/personalization-measure' and code.matches('^(visits|outpatient-visits|other-visits|ed-visits|stays|acute-stays|readmissions-30d|ed-frequent|lace|charlson|cancelled-rate|regularity|sites|clinicians|organizations|sources|claims|claims-refused|rising-need|ed-after-hours|ed-weekend|upc|coc|secon|hhi|mmci|fci-clinician|fci-site|fci-organization|usual-clinician|usual-site|usual-weekday|usual-day-part|attachment)(-p7d|-p1m|-p1y)?$')).exists() implies value.where(system = 'http://unitsofmeasure.org' and code = '1').exists()"

Invariant: pers-unit-2
Description: "Days and nights are a Quantity in d (UCUM)."
Severity: #error
Expression: "value.exists() and code.coding.where(system = 'https://w3id.org/fhir-personalization/CodeSystem/personalization-measure' and code.matches('^(inpatient-days|contact-days)(-p7d|-p1m|-p1y)?$')).exists() implies value.where(system = 'http://unitsofmeasure.org' and code = 'd').exists()"

Invariant: pers-unit-3
Description: "An amount of money is a Quantity in a currency of ISO 4217; XXX is a known nothing."
Severity: #error
Expression: "value.exists() and code.coding.where(system = 'https://w3id.org/fhir-personalization/CodeSystem/personalization-measure' and code.matches('^(billed-charges|allowed-amount|insurer-paid|patient-liability|patient-paid)(-p7d|-p1m|-p1y)?$')).exists() implies value.where(system = 'urn:iso:std:iso:4217' and code.matches('^[A-Z]{3}$')).exists()"

Invariant: pers-unit-4
Description: "The day of a visit is a dateTime."
Severity: #error
Expression: "value.exists() and code.coding.where(system = 'https://w3id.org/fhir-personalization/CodeSystem/personalization-measure' and code.matches('^(last-preventive-visit)(-p7d|-p1m|-p1y)?$')).exists() implies value is dateTime"
