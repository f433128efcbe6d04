// The measures, in the order of the catalogue, which alone feeds this file. Unknown is never zero.

CodeSystem: PersonalizationMeasureCodes
Id: personalization-measure
Title: "Personalization measures"
Description: "What the panel measures: the panel's own code first, then one code for each measure and window."
* insert WholeCodeSystem(personalization-measure)
* insert MeasureProperties
* #profile "Personalization profile" "The panel of all measures of one patient, as of one moment; its value is the level."
* #visits-p7d "Visits, last 7 days" "Number of contacts of every kind: outpatient visits, emergency visits, stays and other visits. Unit: a count. Window: the 7 days before asOf. Source: own. Unknown when Encounter is not exposed by the server."
* #visits-p7d insert MeasureEntry(comprehensiveness, p7d, 1, [[own]])
* #visits-p1m "Visits, last month" "Number of contacts of every kind: outpatient visits, emergency visits, stays and other visits. Unit: a count. Window: the month before asOf. Source: own. Unknown when Encounter is not exposed by the server."
* #visits-p1m insert MeasureEntry(comprehensiveness, p1m, 1, [[own]])
* #visits-p1y "Visits, last year" "Number of contacts of every kind: outpatient visits, emergency visits, stays and other visits. Unit: a count. Window: the year before asOf. Source: own. Unknown when Encounter is not exposed by the server."
* #visits-p1y insert MeasureEntry(comprehensiveness, p1y, 1, [[own]])
* #outpatient-visits-p7d "Outpatient visits, last 7 days" "Number of ambulatory, virtual and home visits. Unit: a count. Window: the 7 days before asOf. Source: own. Unknown when Encounter is not exposed by the server."
* #outpatient-visits-p7d insert MeasureEntry(comprehensiveness, p7d, 1, [[own]])
* #outpatient-visits-p1m "Outpatient visits, last month" "Number of ambulatory, virtual and home visits. Unit: a count. Window: the month before asOf. Source: own. Unknown when Encounter is not exposed by the server."
* #outpatient-visits-p1m insert MeasureEntry(comprehensiveness, p1m, 1, [[own]])
* #outpatient-visits-p1y "Outpatient visits, last year" "Number of ambulatory, virtual and home visits. Unit: a count. Window: the year before asOf. Source: own. Unknown when Encounter is not exposed by the server."
* #outpatient-visits-p1y insert MeasureEntry(comprehensiveness, p1y, 1, [[own]])
* #ed-visits-p7d "Emergency visits, last 7 days" "Number of emergency contacts; one that is part of a stay, or ends at most 24 hours before a stay starts at the same organisation, is one contact. Unit: a count. Window: the 7 days before asOf. Source: own. Unknown when Encounter is not exposed by the server."
* #ed-visits-p7d insert MeasureEntry(outcomes, p7d, 1, [[own]])
* #ed-visits-p1m "Emergency visits, last month" "Number of emergency contacts; one that is part of a stay, or ends at most 24 hours before a stay starts at the same organisation, is one contact. Unit: a count. Window: the month before asOf. Source: own. Unknown when Encounter is not exposed by the server."
* #ed-visits-p1m insert MeasureEntry(outcomes, p1m, 1, [[own]])
* #ed-visits-p1y "Emergency visits, last year" "Number of emergency contacts; one that is part of a stay, or ends at most 24 hours before a stay starts at the same organisation, is one contact. Unit: a count. Window: the year before asOf. Source: own. Unknown when Encounter is not exposed by the server."
* #ed-visits-p1y insert MeasureEntry(outcomes, p1y, 1, [[own]])
* #other-visits-p7d "Other visits, last 7 days" "Number of visits whose class is absent or not one that the definitions know. Unit: a count. Window: the 7 days before asOf. Source: own. Unknown when Encounter is not exposed by the server."
* #other-visits-p7d insert MeasureEntry(comprehensiveness, p7d, 1, [[own]])
* #other-visits-p1m "Other visits, last month" "Number of visits whose class is absent or not one that the definitions know. Unit: a count. Window: the month before asOf. Source: own. Unknown when Encounter is not exposed by the server."
* #other-visits-p1m insert MeasureEntry(comprehensiveness, p1m, 1, [[own]])
* #other-visits-p1y "Other visits, last year" "Number of visits whose class is absent or not one that the definitions know. Unit: a count. Window: the year before asOf. Source: own. Unknown when Encounter is not exposed by the server."
* #other-visits-p1y insert MeasureEntry(comprehensiveness, p1y, 1, [[own]])
* #stays-p7d "Stays, last 7 days" "Number of inpatient stays that start in the window; inpatient intervals that overlap or are parts of one another are one stay, a birth is none. Unit: a count. Window: the 7 days before asOf. Source: own. Unknown when Encounter is not exposed by the server."
* #stays-p7d insert MeasureEntry(outcomes, p7d, 1, [[own]])
* #stays-p1m "Stays, last month" "Number of inpatient stays that start in the window; inpatient intervals that overlap or are parts of one another are one stay, a birth is none. Unit: a count. Window: the month before asOf. Source: own. Unknown when Encounter is not exposed by the server."
* #stays-p1m insert MeasureEntry(outcomes, p1m, 1, [[own]])
* #stays-p1y "Stays, last year" "Number of inpatient stays that start in the window; inpatient intervals that overlap or are parts of one another are one stay, a birth is none. Unit: a count. Window: the year before asOf. Source: own. Unknown when Encounter is not exposed by the server."
* #stays-p1y insert MeasureEntry(outcomes, p1y, 1, [[own]])
* #contact-days-p1m "Contact days, last month" "Number of distinct local dates with any visit; every day of a stay counts. Unit: days. Window: the month before asOf. Source: Healthcare contact days, Gupta 2022. Unknown when Encounter is not exposed by the server."
* #contact-days-p1m insert MeasureEntry(stress, p1m, d, [[Healthcare contact days, Gupta 2022]])
* #contact-days-p1y "Contact days, last year" "Number of distinct local dates with any visit; every day of a stay counts. Unit: days. Window: the year before asOf. Source: Healthcare contact days, Gupta 2022. Unknown when Encounter is not exposed by the server."
* #contact-days-p1y insert MeasureEntry(stress, p1y, d, [[Healthcare contact days, Gupta 2022]])
* #billed-charges-p7d "Billed charges, last 7 days" "Sum of the totals of active claims, one value in each currency; a charge is what was billed, not what was paid. No amount in any currency is 0 with the code XXX. Unit: the currency of the claims. Window: the 7 days before asOf. Source: own. Unknown when Claim is not exposed by the server."
* #billed-charges-p7d insert MeasureEntry(affordability, p7d, currency, [[own]])
* #billed-charges-p1m "Billed charges, last month" "Sum of the totals of active claims, one value in each currency; a charge is what was billed, not what was paid. No amount in any currency is 0 with the code XXX. Unit: the currency of the claims. Window: the month before asOf. Source: own. Unknown when Claim is not exposed by the server."
* #billed-charges-p1m insert MeasureEntry(affordability, p1m, currency, [[own]])
* #billed-charges-p1y "Billed charges, last year" "Sum of the totals of active claims, one value in each currency; a charge is what was billed, not what was paid. No amount in any currency is 0 with the code XXX. Unit: the currency of the claims. Window: the year before asOf. Source: own. Unknown when Claim is not exposed by the server."
* #billed-charges-p1y insert MeasureEntry(affordability, p1y, currency, [[own]])
* #last-preventive-visit "Last preventive visit" "Local date of the latest preventive visit. Unit: a date. Window: all of the record before asOf. Source: ICD-10 Z00.0 and Z00.12, HCPCS G0402, G0438 and G0439, SNOMED CT wellness visit types. Unknown when no preventive visit was ever recorded."
* #last-preventive-visit insert MeasureEntry(proactivity, ever, date, [[ICD-10 Z00.0 and Z00.12, HCPCS G0402, G0438 and G0439, SNOMED CT wellness visit types]])
* #upc-p1y "Usual provider of care, last year" "max n_i / N: share of outpatient visits with the clinician seen most, one visit per clinician and day. Unit: a ratio from 0 to 1. Window: the year before asOf. Source: Breslau and Reeb 1975. Unknown when N is below 2, or the clinician is known for less than 80 % of the visits."
* #upc-p1y insert MeasureEntry(relationship, p1y, 1, [[Breslau and Reeb 1975]])
* #coc-p1y "Continuity of care, last year" "(sum n_i^2 - N) / (N (N - 1)): how much the outpatient visits stay with few clinicians, one visit per clinician and day. Unit: a ratio from 0 to 1. Window: the year before asOf. Source: Bice and Boxerman 1977. Unknown when N is below 2, or the clinician is known for less than 80 % of the visits."
* #coc-p1y insert MeasureEntry(relationship, p1y, 1, [[Bice and Boxerman 1977]])

ValueSet: PersonalizationMeasures
Id: personalization-measure
Title: "Personalization measures"
Description: "All measures, and the panel's own code."
* insert ForUse
* include codes from system $measure
