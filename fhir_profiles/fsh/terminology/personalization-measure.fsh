// The measures, in the order of the catalogue, which alone feeds this file. Unknown is never zero.

CodeSystem: PersonalizationMeasureCodes
Id: personalization-measure
Title: "Personalization measures"
Description: "What the panel measures: the panel's own code first, then one code for each measure and window."
* insert WholeCodeSystem(personalization-measure)
* insert MeasureProperties
* #profile "Personalization profile" "The panel of all measures of one patient, as of one moment; its value is the level."
* #visits-p7d "Visits, last 7 days" "Outpatient visits, emergency contacts, stays and other visits together. Unit: a number. Window: the 7 days before asOf. Source: own. Unknown when the server does not expose Encounter."
* #visits-p7d insert MeasureEntry(comprehensiveness, p7d, 1, [[own]])
* #visits-p1m "Visits, last month" "Outpatient visits, emergency contacts, stays and other visits together. Unit: a number. Window: the month before asOf. Source: own. Unknown when the server does not expose Encounter."
* #visits-p1m insert MeasureEntry(comprehensiveness, p1m, 1, [[own]])
* #visits-p1y "Visits, last year" "Outpatient visits, emergency contacts, stays and other visits together. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter."
* #visits-p1y insert MeasureEntry(comprehensiveness, p1y, 1, [[own]])
* #outpatient-visits-p7d "Outpatient visits, last 7 days" "Encounters of class AMB, VR or HH. Unit: a number. Window: the 7 days before asOf. Source: own. Unknown when the server does not expose Encounter."
* #outpatient-visits-p7d insert MeasureEntry(comprehensiveness, p7d, 1, [[own]])
* #outpatient-visits-p1m "Outpatient visits, last month" "Encounters of class AMB, VR or HH. Unit: a number. Window: the month before asOf. Source: own. Unknown when the server does not expose Encounter."
* #outpatient-visits-p1m insert MeasureEntry(comprehensiveness, p1m, 1, [[own]])
* #outpatient-visits-p1y "Outpatient visits, last year" "Encounters of class AMB, VR or HH. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter."
* #outpatient-visits-p1y insert MeasureEntry(comprehensiveness, p1y, 1, [[own]])
* #other-visits-p7d "Other visits, last 7 days" "Encounters whose class is absent, local, or neither outpatient, emergency nor inpatient. Unit: a number. Window: the 7 days before asOf. Source: own. Unknown when the server does not expose Encounter."
* #other-visits-p7d insert MeasureEntry(comprehensiveness, p7d, 1, [[own]])
* #other-visits-p1m "Other visits, last month" "Encounters whose class is absent, local, or neither outpatient, emergency nor inpatient. Unit: a number. Window: the month before asOf. Source: own. Unknown when the server does not expose Encounter."
* #other-visits-p1m insert MeasureEntry(comprehensiveness, p1m, 1, [[own]])
* #other-visits-p1y "Other visits, last year" "Encounters whose class is absent, local, or neither outpatient, emergency nor inpatient. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter."
* #other-visits-p1y insert MeasureEntry(comprehensiveness, p1y, 1, [[own]])
* #ed-visits-p7d "Emergency visits, last 7 days" "Emergency contacts: encounters of class EMER, those that led to one stay counted once. Unit: a number. Window: the 7 days before asOf. Source: PMC5424308. Unknown when the server does not expose Encounter."
* #ed-visits-p7d insert MeasureEntry(outcomes, p7d, 1, [[PMC5424308]])
* #ed-visits-p1m "Emergency visits, last month" "Emergency contacts: encounters of class EMER, those that led to one stay counted once. Unit: a number. Window: the month before asOf. Source: PMC5424308. Unknown when the server does not expose Encounter."
* #ed-visits-p1m insert MeasureEntry(outcomes, p1m, 1, [[PMC5424308]])
* #ed-visits-p1y "Emergency visits, last year" "Emergency contacts: encounters of class EMER, those that led to one stay counted once. Unit: a number. Window: the year before asOf. Source: PMC5424308. Unknown when the server does not expose Encounter."
* #ed-visits-p1y insert MeasureEntry(outcomes, p1y, 1, [[PMC5424308]])
* #stays-p7d "Hospital stays, last 7 days" "Inpatient encounters (IMP, ACUTE, NONAC), those that overlap, touch or are linked by partOf as one; without the stay of a newborn's birth. Unit: a number. Window: the 7 days before asOf. Source: own. Unknown when the server does not expose Encounter."
* #stays-p7d insert MeasureEntry(outcomes, p7d, 1, [[own]])
* #stays-p1m "Hospital stays, last month" "Inpatient encounters (IMP, ACUTE, NONAC), those that overlap, touch or are linked by partOf as one; without the stay of a newborn's birth. Unit: a number. Window: the month before asOf. Source: own. Unknown when the server does not expose Encounter."
* #stays-p1m insert MeasureEntry(outcomes, p1m, 1, [[own]])
* #stays-p1y "Hospital stays, last year" "Inpatient encounters (IMP, ACUTE, NONAC), those that overlap, touch or are linked by partOf as one; without the stay of a newborn's birth. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter."
* #stays-p1y insert MeasureEntry(outcomes, p1y, 1, [[own]])
* #inpatient-days-p1y "Nights in hospital, last year" "Nights of stays within the window: the local date of the end less that of the start, both clipped to the window; a stay that begins and ends on one day has none, one that goes on lasts to as_of. Stays that do not say when they ended are not counted; with fewer than 80 % counted it is unknown. Unit: days. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter."
* #inpatient-days-p1y insert MeasureEntry(outcomes, p1y, d, [[own]])
* #acute-stays-p1y "Acute hospital stays, last year" "Stays that began in emergency (an emergency encounter that belongs to the stay and began no later), whose admission source is `emd`, or of class ACUTE. A source that never says any of these leaves it unknown for whoever had a stay. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter."
* #acute-stays-p1y insert MeasureEntry(outcomes, p1y, 1, [[own]])
* #readmissions-30d-p1y "Readmissions within 30 days, last year" "Index stays followed by a stay that begins at most 30 days (local dates) after their end / index stays, at most one each. An index stay begins in the window and is over; a readmission can be one itself. No index: died (exp, UB-04 20), left against advice (aadvice, 07), transferred (other-hcf, 02, or admitted to another organisation the same or next day), or fewer than 30 days from its end to as_of. Unit: a number. Window: the year before asOf. Source: simplified from CMS hospital-wide readmission, all-cause. Unknown when the server does not expose Encounter, or: no hospital stay that could be followed for 30 days."
* #readmissions-30d-p1y insert MeasureEntry(outcomes, p1y, 1, [[simplified from CMS hospital-wide readmission, all-cause]])
* #ed-frequent-p1y "Frequent emergency visits, last year" "1 with at least 4 emergency contacts, else 0; the numerator is their number. Unit: a number. Window: the year before asOf. Source: PMC5424308: >= 4, the lowest of the published cut-offs; others are 7-17 and >= 18. Unknown when the server does not expose Encounter."
* #ed-frequent-p1y insert MeasureEntry(outcomes, p1y, 1, [[PMC5424308: >= 4, the lowest of the published cut-offs; others are 7-17 and >= 18]])
* #lace-p1y "LACE index, last year" "Of the last stay that began in the window, 0 to 19 points. Length in days (local dates): below 1 none, 1, 2 and 3 themselves, 4-6 four, 7-13 five, from 14 seven; acute three; comorbidity of the 12 months to its end, 4 and more five; emergency contacts in the 6 months before, without the one that led to the stay, at most four. Unit: a number. Window: the year before asOf. Source: van Walraven 2010, PMC2845681; comorbidity weights of Schneeweiss 2003, ICD-10 by Quan 2005. Unknown when the server does not expose Encounter, or: no hospital stay in the window."
* #lace-p1y insert MeasureEntry(outcomes, p1y, 1, [[van Walraven 2010, PMC2845681; comorbidity weights of Schneeweiss 2003, ICD-10 by Quan 2005]])
* #charlson-p1y "Charlson comorbidity index, last year" "The weights of the diseases among the diagnoses of visits, claims and conditions, each once. Coverage: diagnoses coded in ICD-10 among all; below 70 % it is unknown, and where they only refer to conditions that were not read. A patient without any is 0 where the source records diagnoses at all. Unit: a number. Window: the year before asOf. Source: Charlson 1987, without points for age; ICD-10 by Quan 2005. Unknown when the server does not expose Encounter, or: this source records no diagnoses."
* #charlson-p1y insert MeasureEntry(outcomes, p1y, 1, [[Charlson 1987, without points for age; ICD-10 by Quan 2005]])
* #cancelled-rate-p1y "Cancelled visits, last year" "Cancelled encounters / (cancelled encounters + visits). Whoever cancelled: it tells of no missed appointment. A source that never shows a cancelled encounter leaves it unknown for everybody. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter, or: too few visits."
* #cancelled-rate-p1y insert MeasureEntry(participation, p1y, 1, [[own]])
* #regularity-p1y "Regularity of visits, last year" "The coefficient of variation (population standard deviation / mean) of the gaps in days between dates with any visit: 0 when they are all equal. The denominator is the number of dates, at least 3. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter, or: too few visits."
* #regularity-p1y insert MeasureEntry(participation, p1y, 1, [[own]])
* #sites-p1y "Sites, last year" "Distinct places (Encounter.location) of visits of any kind; the denominator is the visits that name one. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter."
* #sites-p1y insert MeasureEntry(comprehensiveness, p1y, 1, [[own]])
* #clinicians-p1y "Clinicians, last year" "Distinct clinicians of visits of any kind; the denominator is the visits that name one. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter."
* #clinicians-p1y insert MeasureEntry(comprehensiveness, p1y, 1, [[own]])
* #organizations-p1y "Organisations, last year" "Distinct organisations (Encounter.serviceProvider) of visits of any kind; the denominator is the visits that name one. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter."
* #organizations-p1y insert MeasureEntry(comprehensiveness, p1y, 1, [[own]])
* #sources-p1y "Source servers, last year" "Distinct servers that hold visits of any kind. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter."
* #sources-p1y insert MeasureEntry(comprehensiveness, p1y, 1, [[own]])
* #contact-days-p1m "Days with healthcare, last month" "Distinct local dates with any visit; of a stay every date from its first to its last within the window, of any other visit the date of its start. The newborn's stay of birth adds none. Unit: days. Window: the month before asOf. Source: healthcare contact days, Gupta 2022. Unknown when the server does not expose Encounter."
* #contact-days-p1m insert MeasureEntry(stress, p1m, d, [[healthcare contact days, Gupta 2022]])
* #contact-days-p1y "Days with healthcare, last year" "Distinct local dates with any visit; of a stay every date from its first to its last within the window, of any other visit the date of its start. The newborn's stay of birth adds none. Unit: days. Window: the year before asOf. Source: healthcare contact days, Gupta 2022. Unknown when the server does not expose Encounter."
* #contact-days-p1y insert MeasureEntry(stress, p1y, d, [[healthcare contact days, Gupta 2022]])
* #billed-charges-p7d "Billed charges, last 7 days" "What was charged, currency by currency: Claim.total, else by item its net, else quantity x unit price x factor. Active claims for payment; of claims that replace one another the latest. A source without any Claim but with ExplanationOfBenefit charges what these say was submitted. No claims: zero, in no currency. Coverage: claims with a known amount among all. Unit: the currency of the amounts. Window: the 7 days before asOf. Source: own. Unknown when the server does not expose Claim."
* #billed-charges-p7d insert MeasureEntry(affordability, p7d, currency, [[own]])
* #billed-charges-p1m "Billed charges, last month" "What was charged, currency by currency: Claim.total, else by item its net, else quantity x unit price x factor. Active claims for payment; of claims that replace one another the latest. A source without any Claim but with ExplanationOfBenefit charges what these say was submitted. No claims: zero, in no currency. Coverage: claims with a known amount among all. Unit: the currency of the amounts. Window: the month before asOf. Source: own. Unknown when the server does not expose Claim."
* #billed-charges-p1m insert MeasureEntry(affordability, p1m, currency, [[own]])
* #billed-charges-p1y "Billed charges, last year" "What was charged, currency by currency: Claim.total, else by item its net, else quantity x unit price x factor. Active claims for payment; of claims that replace one another the latest. A source without any Claim but with ExplanationOfBenefit charges what these say was submitted. No claims: zero, in no currency. Coverage: claims with a known amount among all. Unit: the currency of the amounts. Window: the year before asOf. Source: own. Unknown when the server does not expose Claim."
* #billed-charges-p1y insert MeasureEntry(affordability, p1y, currency, [[own]])
* #allowed-amount-p1y "Allowed amount, last year" "What the plans reckon with at most, as the explanations of the claims state it; known as patient liability is. Unit: the currency of the amounts. Window: the year before asOf. Source: own. Unknown when the server does not expose ExplanationOfBenefit or ClaimResponse."
* #allowed-amount-p1y insert MeasureEntry(affordability, p1y, currency, [[own]])
* #insurer-paid-p1y "Paid by insurers, last year" "The benefit of the plans, else what they paid to providers and to the patient, as the explanations of the claims state it; known as patient liability is. Unit: the currency of the amounts. Window: the year before asOf. Source: own. Unknown when the server does not expose ExplanationOfBenefit or ClaimResponse."
* #insurer-paid-p1y insert MeasureEntry(affordability, p1y, currency, [[own]])
* #patient-liability-p7d "Patient liability, last 7 days" "What is left to the patient, currency by currency, as the explanations of the claims state it: the member liability, else copay, deductible and coinsurance; totals of the header, else the items' adjudications; of several explanations of a claim the latest, with its reversals. Dated as the claim. No claims: zero, in no currency; claims without an explanation: unknown. Coverage: claims of which it is known among all. Unit: the currency of the amounts. Window: the 7 days before asOf. Source: own. Unknown when the server does not expose ExplanationOfBenefit or ClaimResponse."
* #patient-liability-p7d insert MeasureEntry(affordability, p7d, currency, [[own]])
* #patient-liability-p1m "Patient liability, last month" "What is left to the patient, currency by currency, as the explanations of the claims state it: the member liability, else copay, deductible and coinsurance; totals of the header, else the items' adjudications; of several explanations of a claim the latest, with its reversals. Dated as the claim. No claims: zero, in no currency; claims without an explanation: unknown. Coverage: claims of which it is known among all. Unit: the currency of the amounts. Window: the month before asOf. Source: own. Unknown when the server does not expose ExplanationOfBenefit or ClaimResponse."
* #patient-liability-p1m insert MeasureEntry(affordability, p1m, currency, [[own]])
* #patient-liability-p1y "Patient liability, last year" "What is left to the patient, currency by currency, as the explanations of the claims state it: the member liability, else copay, deductible and coinsurance; totals of the header, else the items' adjudications; of several explanations of a claim the latest, with its reversals. Dated as the claim. No claims: zero, in no currency; claims without an explanation: unknown. Coverage: claims of which it is known among all. Unit: the currency of the amounts. Window: the year before asOf. Source: own. Unknown when the server does not expose ExplanationOfBenefit or ClaimResponse."
* #patient-liability-p1y insert MeasureEntry(affordability, p1y, currency, [[own]])
* #patient-paid-p1y "Paid by the patient, last year" "What the patient has paid, as the explanations of the claims state it, never reckoned from what is owed; known as patient liability is. Unit: the currency of the amounts. Window: the year before asOf. Source: own. Unknown when the server does not expose ExplanationOfBenefit or ClaimResponse."
* #patient-paid-p1y insert MeasureEntry(affordability, p1y, currency, [[own]])
* #claims-p1y "Claims, last year" "Active claims for payment, those that replace one another counted once. In a source without any Claim: the bills that ExplanationOfBenefit tells of. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Claim."
* #claims-p1y insert MeasureEntry(affordability, p1y, 1, [[own]])
* #claims-refused-p1y "Claims cancelled or denied, last year" "Cancelled or denied claims / those and the active ones. Denied is a claim of which an explanation or response says so, of the whole or of an item. Where no claim is cancelled or has either, it is unknown rather than none. Coverage: claims that are cancelled or of which there is an answer among all. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Claim, or: there are no claims."
* #claims-refused-p1y insert MeasureEntry(affordability, p1y, 1, [[own]])
* #last-preventive-visit "Last preventive visit" "The local date of the last visit whose type or reason is a code for preventive care. A source that records no such visit for anybody leaves it unknown for everybody. Unit: a date. Window: all of the record before asOf. Source: code systems named in the value set. Unknown when the server does not expose Encounter, or: none is recorded."
* #last-preventive-visit insert MeasureEntry(proactivity, ever, date, [[code systems named in the value set]])
* #rising-need-p1y "Rising need, last year" "Visits in the last 90 days / (visits in the year x 90/365): 1 when they come evenly, more when they become more. The numerator is the visits of the 90 days, the denominator those of the year. No visit in the year: unknown. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter, or: too few visits."
* #rising-need-p1y insert MeasureEntry(proactivity, p1y, 1, [[own]])
* #ed-after-hours-p1y "Emergency visits out of hours, last year" "The share of emergency contacts that began outside 08:00-18:00, Monday to Friday, local time; weekends are out of hours. N >= 2. Unknown where fewer than 80 % say at which hour they began. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter, or: too few visits."
* #ed-after-hours-p1y insert MeasureEntry(stress, p1y, 1, [[own]])
* #ed-weekend-p1y "Emergency visits at weekends, last year" "The share of emergency contacts that began on a Saturday or Sunday, local time. N >= 2. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter, or: too few visits."
* #ed-weekend-p1y insert MeasureEntry(stress, p1y, 1, [[own]])
* #upc-p1y "Usual provider of care, last year" "max n_i / N: the share of outpatient visits that are with the clinician seen most; N >= 2. Unit: a number. Window: the year before asOf. Source: Breslau and Reeb 1975. Unknown when the server does not expose Encounter, or: too few visits."
* #upc-p1y insert MeasureEntry(relationship, p1y, 1, [[Breslau and Reeb 1975]])
* #coc-p1y "Continuity of care, last year" "(sum n_i^2 - N) / (N (N - 1)): how concentrated outpatient visits are on few clinicians; N >= 2. Unit: a number. Window: the year before asOf. Source: Bice and Boxerman 1977. Unknown when the server does not expose Encounter, or: too few visits."
* #coc-p1y insert MeasureEntry(relationship, p1y, 1, [[Bice and Boxerman 1977]])
* #secon-p1y "Sequential continuity, last year" "Adjacent pairs of outpatient visits with the same clinician / (N - 1), one visit for each clinician and day, those that began at the same instant in the order of their ids; N >= 2. Unit: a number. Window: the year before asOf. Source: Steinwachs 1979. Unknown when the server does not expose Encounter, or: too few visits."
* #secon-p1y insert MeasureEntry(relationship, p1y, 1, [[Steinwachs 1979]])
* #hhi-p1y "Concentration on clinicians, last year" "sum (n_i / N)^2 over the clinicians of outpatient visits; N >= 2. Unit: a number. Window: the year before asOf. Source: Herfindahl. Unknown when the server does not expose Encounter, or: too few visits."
* #hhi-p1y insert MeasureEntry(relationship, p1y, 1, [[Herfindahl]])
* #mmci-p1y "Modified, modified continuity index, last year" "(1 - M / (N + 0.1)) / (1 - 1 / (N + 0.1)) for M clinicians in N outpatient visits, both multiplied by 10 (N + 0.1); N >= 2. Unit: a number. Window: the year before asOf. Source: Magill and Senf 1987. Unknown when the server does not expose Encounter, or: too few visits."
* #mmci-p1y insert MeasureEntry(relationship, p1y, 1, [[Magill and Senf 1987]])
* #fci-clinician-p1y "Fragmentation over clinicians, last year" "1 - (sum n_i^2 - N) / (N (N - 1)) over the clinicians of outpatient visits; N >= 2. Unit: a number. Window: the year before asOf. Source: Bice and Boxerman 1977; Liu 2010: +0.1 goes with 15 % more emergency visits; Kern: N >= 4, high from 0.85. Unknown when the server does not expose Encounter, or: too few visits."
* #fci-clinician-p1y insert MeasureEntry(relationship, p1y, 1, [[Bice and Boxerman 1977; Liu 2010: +0.1 goes with 15 % more emergency visits; Kern: N >= 4, high from 0.85]])
* #fci-site-p1y "Fragmentation over sites, last year" "1 - (sum n_i^2 - N) / (N (N - 1)) over the places (Encounter.location) of outpatient visits; N >= 2. Unit: a number. Window: the year before asOf. Source: Bice and Boxerman 1977; Liu 2010: +0.1 goes with 15 % more emergency visits; Kern: N >= 4, high from 0.85. Unknown when the server does not expose Encounter, or: too few visits."
* #fci-site-p1y insert MeasureEntry(relationship, p1y, 1, [[Bice and Boxerman 1977; Liu 2010: +0.1 goes with 15 % more emergency visits; Kern: N >= 4, high from 0.85]])
* #fci-organization-p1y "Fragmentation over organisations, last year" "1 - (sum n_i^2 - N) / (N (N - 1)) over the organisations of outpatient visits; N >= 2. Unit: a number. Window: the year before asOf. Source: Bice and Boxerman 1977; Liu 2010: +0.1 goes with 15 % more emergency visits; Kern: N >= 4, high from 0.85. Unknown when the server does not expose Encounter, or: too few visits."
* #fci-organization-p1y insert MeasureEntry(relationship, p1y, 1, [[Bice and Boxerman 1977; Liu 2010: +0.1 goes with 15 % more emergency visits; Kern: N >= 4, high from 0.85]])
* #usual-clinician-p1y "Usual clinician, last year" "The clinician of most outpatient visits, the smallest reference among equals, and their share; N >= 2. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter, or: too few visits."
* #usual-clinician-p1y insert MeasureEntry(relationship, p1y, 1, [[own]])
* #usual-site-p1y "Usual site, last year" "The place of most outpatient visits, the smallest reference among equals, and its share; N >= 2. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter, or: too few visits."
* #usual-site-p1y insert MeasureEntry(relationship, p1y, 1, [[own]])
* #usual-weekday-p1y "Usual day of the week, last year" "The day of the week of most days with outpatient visits, the first from Monday among equals, and its share; visits dated to a month or a year only do not say it; N >= 2. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter, or: too few visits."
* #usual-weekday-p1y insert MeasureEntry(relationship, p1y, 1, [[own]])
* #usual-day-part-p1y "Usual part of the day, last year" "When most outpatient visits begin, local time: morning (before 12:00), afternoon (12:00-17:00), evening (17:00-22:00) or night, the earliest among equals, and its share; one for each part and day; visits without a time do not say it; N >= 2. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter, or: too few visits."
* #usual-day-part-p1y insert MeasureEntry(relationship, p1y, 1, [[own]])
* #attachment-p1y "Attachment, last year" "Patient.generalPractitioner, a practitioner or an organisation; else the usual clinician of the year. It has no value. Unit: a number. Window: the year before asOf. Source: own. Unknown when the server does not expose Encounter, or: none is recorded."
* #attachment-p1y insert MeasureEntry(relationship, p1y, 1, [[own]])

ValueSet: PersonalizationMeasures
Id: personalization-measure
Title: "Personalization measures"
Description: "All measures, and the panel's own code."
* insert ForUse
* include codes from system $measure
