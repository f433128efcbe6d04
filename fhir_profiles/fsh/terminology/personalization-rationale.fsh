// The rules of the policy, in the order of the policy. A panel gives one rationale for each rule that fired.

CodeSystem: PersonalizationRationaleCodes
Id: personalization-rationale
Title: "Personalization rationale"
Description: "The rules that give a level or a pathway; the rationale on the panel adds the value and the threshold."
* insert WholeCodeSystem(personalization-rationale)
* #ed-frequent "Frequent emergency visits" "Emergency visits of the year reach the number that is published as frequent use. Reads: ed-visits-p1y."
* #acute-stays "Acute stays" "Acute stays of the year reach the threshold; where a source never says what was acute, all stays are read. Reads: stays-p1y."
* #stays "Stays" "Stays of the year reach the threshold. Reads: stays-p1y."
* #ed-visits "Emergency visits" "Emergency visits of the year reach the threshold. Reads: ed-visits-p1y."
* #contact-days "Contact days" "Days of the year with any contact reach the threshold. Reads: contact-days-p1y."
* #last-preventive-visit "Last preventive visit" "The last preventive visit is longer ago than the threshold, or none was ever recorded. Reads: last-preventive-visit."
* #upc "Usual provider of care" "The share of visits with the clinician seen most is below the threshold. Reads: upc-p1y."

ValueSet: PersonalizationRationales
Id: personalization-rationale
Title: "Personalization rationale"
Description: "All rules."
* insert ForUse
* include codes from system $rationale
