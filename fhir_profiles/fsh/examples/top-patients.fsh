// Two patients in the order of their visits: who they are is known to staff alone.

Instance: example-top-patients
InstanceOf: TopPatients
Usage: #example
Title: "Top patients"
Description: "By visits of the year."
* insert MadeByUs
* status = #current
* mode = #snapshot
* title = "Patients by visits, last year"
* code = $measure#visits-p1y "Visits, last year"
* date = "2026-03-01T00:00:00-05:00"
* orderedBy = $list-order#system "Sorted by System"
* entry[+].flag = $level#intensive "Intensive"
* entry[=].flag.text = "17 visits, percentile 99.5; ed-frequent"
* entry[=].item = Reference(Patient/example-patient-intensive)
* entry[+].flag = $level#enhanced "Enhanced"
* entry[=].flag.text = "8 visits, percentile 92.0; ed-visits"
* entry[=].item = Reference(Patient/example-patient-enhanced)
