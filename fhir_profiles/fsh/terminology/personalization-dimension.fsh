// The seven benefits that personalized care is expected to have. Every measure belongs to exactly one.

CodeSystem: PersonalizationDimensionCodes
Id: personalization-dimension
Title: "Personalization dimensions"
Description: "The seven benefits expected of personalized care; every measure belongs to one."
* insert WholeCodeSystem(personalization-dimension)
* #outcomes "Outcomes" "Health holds or improves: fewer emergencies, stays and returns."
* #participation "Participation" "The patient takes part: visits take place and follow a rhythm."
* #comprehensiveness "Comprehensiveness" "All care that the patient uses is seen, wherever it took place."
* #proactivity "Proactivity" "Care comes before the need becomes urgent."
* #affordability "Affordability" "Care stays within what the patient can pay."
* #stress "Stress" "Care takes no more of the patient's days and nights than it must."
* #relationship "Relationship" "The patient knows the clinician, and the clinician knows the patient."

ValueSet: PersonalizationDimensions
Id: personalization-dimension
Title: "Personalization dimensions"
Description: "All seven dimensions."
* insert ForUse
* include codes from system $dimension
