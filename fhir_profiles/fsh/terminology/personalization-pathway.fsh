// Ways of working that suit a patient now. The words are neutral: the patient may read them.

CodeSystem: PersonalizationPathwayCodes
Id: personalization-pathway
Title: "Personalization pathways"
Description: "Ways of working that suit a patient now; each is an offer to the patient, never a restriction."
* insert WholeCodeSystem(personalization-pathway)
* #preferred-scheduling "Preferred scheduling" "Appointments are offered early, at the times and places that suit the patient."
* #proactive-outreach "Proactive outreach" "The care team gets in touch first, rather than waiting for a visit."
* #usual-clinician "Usual clinician" "Visits are booked with one clinician, whom the patient comes to know."
* #care-coordination "Care coordination" "One person keeps the patient's several organisations informed of each other."
* #claims-concierge "Claims concierge" "One person answers questions about claims and follows them up."
* #financial-navigation "Financial navigation" "Help with costs, cover and assistance programmes is offered."
* #interpreter "Interpreter" "An interpreter or material in the patient's language is arranged for each contact."
* #accessible-visit "Accessible visit" "Rooms, times and means of contact are arranged to be accessible to the patient."

ValueSet: PersonalizationPathways
Id: personalization-pathway
Title: "Personalization pathways"
Description: "All pathways."
* insert ForUse
* include codes from system $pathway
