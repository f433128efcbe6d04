// What a MeasureReport of `report top --format measurereport` reports on. Nobody can be told in it: who is ranked where is
// a List, for staff alone.

Instance: top-patients
InstanceOf: Measure
Usage: #definition
Title: "Top patients"
Description: "How visits, charges or liability are spread over all patients of a source: the median of one measure, with patients by level, by pathway and, where asked, by organisation."
* insert Report(top-patients, TopPatients, [[Top patients]])
* insert ScoredAs(continuous-variable, [[Continuous Variable]])
* rateAggregation = "The score is the median of the measure that the group's code names, over the patients of whom it is known."
* insert Group([[One group a currency; its code names the measure.]])
* insert Population(initial-population, [[Initial Population]], [[Patients with a profile of whom the measure is known.]])
* insert Stratifier(level, [[The personalization level, or why there is none.]])
* insert Stratifier(pathway, [[The personalization pathways; a patient may have several.]])
* insert Stratifier(organization, [[The organisations that the patient visited.]])
