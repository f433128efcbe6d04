// What a MeasureReport of `report equity --format measurereport` reports on.

Instance: equity
InstanceOf: Measure
Usage: #definition
Title: "Equity of levels and pathways"
Description: "Whether patients who are equal in need are served alike: of each stratum the share with a level above standard, and with each pathway, of everybody and within each band of need. Need is emergency visits plus hospital stays of the year (own)."
* insert Report(equity, Equity, [[Equity of levels and pathways]])
* insert ScoredAs(proportion, [[Proportion]])
* disclaimer = "Need is seen only of those who reached care. A difference is a question, not an answer: other causes than the policy are possible."
* insert Group([[One group a level or pathway, of everybody or within one band of need; its text says which.]])
* insert Population(initial-population, [[Initial Population]], [[Patients with a profile.]])
* insert Population(denominator, [[Denominator]], [[Patients of the stratum; within the band of need, where the group is of one.]])
* insert Population(numerator, [[Numerator]], [[Those of the denominator who have the level or pathway.]])
* insert Stratifier(sex, [[Patient.gender.]])
* insert Stratifier(age, [[Years of age, in bands.]])
* insert Stratifier(language, [[The language that the patient prefers.]])
* insert Stratifier(interpreter, [[Whether an interpreter is needed.]])
* insert Stratifier(race, [[The race extension of the patient's record.]])
* insert Stratifier(ethnicity, [[The ethnicity extension of the patient's record.]])
* insert Stratifier(rurality, [[Whether the address is in the country or in town, where the source codes it.]])
