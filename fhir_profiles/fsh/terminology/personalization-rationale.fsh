// The rules of the shipped policy in its order, then what a hospital's own rules are told by; catalogue and policy
// alone feed this file. A panel gives one rationale for each rule that fired.

CodeSystem: PersonalizationRationaleCodes
Id: personalization-rationale
Title: "Personalization rationale"
Description: "The rules that give a level or a pathway; the rationale on the panel adds the value and the threshold."
* insert WholeCodeSystem(personalization-rationale)
* #ed-frequent "Frequent emergency visits" "Frequent emergency visits: the value reaches the threshold. Reads: ed-visits-p1y."
* #acute-stays "Acute hospital stays" "Acute hospital stays: the value reaches the threshold. Reads: acute-stays-p1y, stays-p1y. Where the first is unknown the second is read."
* #readmissions-30d "Readmissions within 30 days" "Readmissions within 30 days: the value reaches the threshold. Reads: readmissions-30d-p1y."
* #inpatient-days "Nights in hospital" "Nights in hospital: the value reaches the threshold. Reads: inpatient-days-p1y."
* #ed-visits "Emergency visits" "Emergency visits: the value reaches the threshold. Reads: ed-visits-p1y."
* #stays "Hospital stays" "Hospital stays: the value reaches the threshold. Reads: stays-p1y."
* #contact-days "Days with healthcare" "Days with healthcare: the value reaches the threshold. Reads: contact-days-p1y."
* #fci-clinician "Fragmentation over clinicians" "Fragmentation over clinicians: the value reaches the threshold. Reads: fci-clinician-p1y."
* #rising-need "Rising need" "Rising need: the value reaches the threshold. Reads: rising-need-p1y."
* #last-preventive-visit "Last preventive visit" "Last preventive visit: the value is longer ago than the threshold, or none was ever recorded. Reads: last-preventive-visit."
* #upc "Usual provider of care" "Usual provider of care: the value is below the threshold. Reads: upc-p1y."
* #organizations "Organisations" "Organisations: the value reaches the threshold. Reads: organizations-p1y."
* #fci-organization "Fragmentation over organisations" "Fragmentation over organisations: the value reaches the threshold. Reads: fci-organization-p1y."
* #claims "Claims" "Claims: the value reaches the threshold. Reads: claims-p1y."
* #claims-refused "Claims cancelled or denied" "Claims cancelled or denied: the value reaches the threshold. Reads: claims-refused-p1y."
* #patient-liability "Patient liability" "Patient liability: the value reaches the threshold. Reads: patient-liability-p1y."
* #visits "Visits" "No rule of the shipped policy; a hospital's own may read visits."
* #outpatient-visits "Outpatient visits" "No rule of the shipped policy; a hospital's own may read outpatient-visits."
* #other-visits "Other visits" "No rule of the shipped policy; a hospital's own may read other-visits."
* #lace "LACE index" "No rule of the shipped policy; a hospital's own may read lace."
* #charlson "Charlson comorbidity index" "No rule of the shipped policy; a hospital's own may read charlson."
* #cancelled-rate "Cancelled visits" "No rule of the shipped policy; a hospital's own may read cancelled-rate."
* #regularity "Regularity of visits" "No rule of the shipped policy; a hospital's own may read regularity."
* #sites "Sites" "No rule of the shipped policy; a hospital's own may read sites."
* #clinicians "Clinicians" "No rule of the shipped policy; a hospital's own may read clinicians."
* #sources "Source servers" "No rule of the shipped policy; a hospital's own may read sources."
* #billed-charges "Billed charges" "No rule of the shipped policy; a hospital's own may read billed-charges."
* #allowed-amount "Allowed amount" "No rule of the shipped policy; a hospital's own may read allowed-amount."
* #insurer-paid "Paid by insurers" "No rule of the shipped policy; a hospital's own may read insurer-paid."
* #patient-paid "Paid by the patient" "No rule of the shipped policy; a hospital's own may read patient-paid."
* #ed-after-hours "Emergency visits out of hours" "No rule of the shipped policy; a hospital's own may read ed-after-hours."
* #ed-weekend "Emergency visits at weekends" "No rule of the shipped policy; a hospital's own may read ed-weekend."
* #coc "Continuity of care" "No rule of the shipped policy; a hospital's own may read coc."
* #secon "Sequential continuity" "No rule of the shipped policy; a hospital's own may read secon."
* #hhi "Concentration on clinicians" "No rule of the shipped policy; a hospital's own may read hhi."
* #mmci "Modified, modified continuity index" "No rule of the shipped policy; a hospital's own may read mmci."
* #fci-site "Fragmentation over sites" "No rule of the shipped policy; a hospital's own may read fci-site."
* #usual-clinician "Usual clinician" "No rule of the shipped policy; a hospital's own may read usual-clinician."
* #usual-site "Usual site" "No rule of the shipped policy; a hospital's own may read usual-site."
* #usual-weekday "Usual day of the week" "No rule of the shipped policy; a hospital's own may read usual-weekday."
* #usual-day-part "Usual part of the day" "No rule of the shipped policy; a hospital's own may read usual-day-part."
* #attachment "Attachment" "No rule of the shipped policy; a hospital's own may read attachment."

ValueSet: PersonalizationRationales
Id: personalization-rationale
Title: "Personalization rationale"
Description: "All rules."
* insert ForUse
* include codes from system $rationale
