// How much attention a patient needs now. A level is about need, never about spending, and never a rank.

CodeSystem: PersonalizationLevelCodes
Id: personalization-level
Title: "Personalization levels"
Description: "How much attention a patient needs now, by the first rule of the policy that fires."
* insert WholeCodeSystem(personalization-level)
* #standard "Standard" "Visits are known and no rule for more attention fires."
* #enhanced "Enhanced" "A rule for more attention than usual fires, and none for the most."
* #intensive "Intensive" "A rule for the most attention fires."

ValueSet: PersonalizationLevels
Id: personalization-level
Title: "Personalization levels"
Description: "All levels."
* insert ForUse
* include codes from system $level
