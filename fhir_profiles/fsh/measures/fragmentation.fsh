// What a MeasureReport of `report fragmentation --format measurereport` reports on.

Instance: fragmentation
InstanceOf: Measure
Usage: #definition
Title: "Fragmentation beside outcomes"
Description: "Emergency visits, readmissions and cancelled visits of patients whose outpatient care is spread little, somewhat or much over clinicians, and over organisations. The index is FCI, 1 - COC (Liu 2010); 0.85 and over with at least 4 visits is high (Kern)."
* insert Report(fragmentation, Fragmentation, [[Fragmentation beside outcomes]])
* insert ScoredAs(ratio, [[Ratio]])
* disclaimer = "Side by side, not cause and effect: who is sicker sees more clinicians and has more emergency visits."
* insert Group([[One group an outcome; its code names the measure, its score is that of the patients of a band together.]])
* insert Population(initial-population, [[Initial Population]], [[Patients with a profile.]])
* insert Stratifier(fci-clinician-p1y, [[Bands of the fragmentation among clinicians: under 0.5, 0.5 to 0.85, 0.85 and over, not known.]])
* insert Stratifier(fci-organization-p1y, [[Bands of the fragmentation among organisations: under 0.5, 0.5 to 0.85, 0.85 and over, not known.]])
