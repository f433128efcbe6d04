// Which public code comes nearest to a measure, for who knows that code already. None says the same: a measure counts
// over a window what the public code names once. What is not here has no counterpart that fits.

Instance: measures-to-public-codes
InstanceOf: ConceptMap
Usage: #definition
Title: "Measures and public codes"
Description: "The public codes that measures count, or are read from."
* url = "https://w3id.org/fhir-personalization/ConceptMap/measures-to-public-codes"
* version = "0.1.0"
* name = "MeasuresToPublicCodes"
* title = "Measures and public codes"
* status = #active
* experimental = false
* publisher = "fhir-personalization"
* sourceCanonical = $measures

* group[+].source = $measure
* group[=].target = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
* insert Source(outpatient-visits-p1y, [[Outpatient visits, last year]])
* insert Target(AMB, relatedto, [[The visits counted, one of three classes.]])
* insert Target(VR, relatedto, [[The visits counted, one of three classes.]])
* insert Target(HH, relatedto, [[The visits counted, one of three classes.]])
* insert Source(ed-visits-p1y, [[Emergency visits, last year]])
* insert Target(EMER, relatedto, [[The encounters counted; those that led to one stay once.]])
* insert Source(stays-p1y, [[Hospital stays, last year]])
* insert Target(IMP, relatedto, [[The encounters counted; those that overlap or touch once.]])
* insert Source(acute-stays-p1y, [[Acute hospital stays, last year]])
* insert Target(ACUTE, relatedto, [[One of three signs that a stay was acute.]])

* group[+].source = $measure
* group[=].target = "http://terminology.hl7.org/CodeSystem/v2-0092"
* insert Source(readmissions-30d-p1y, [[Readmissions within 30 days, last year]])
* insert Target(R, relatedto, [[The source's own word for a readmission; here it is reckoned from the dates instead.]])

* group[+].source = $measure
* group[=].target = "http://terminology.hl7.org/CodeSystem/adjudication"
* insert Source(billed-charges-p1y, [[Billed charges, last year]])
* insert Target(submitted, relatedto, [[The amount summed, before a payer looked at it.]])
* insert Source(allowed-amount-p1y, [[Allowed amount, last year]])
* insert Target(eligible, relatedto, [[The amount summed.]])
* insert Source(insurer-paid-p1y, [[Paid by insurers, last year]])
* insert Target(benefit, relatedto, [[The amount summed.]])
* insert Source(patient-liability-p1y, [[Patient liability, last year]])
* insert Target(copay, relatedto, [[A part of the sum.]])
* insert Target(deductible, relatedto, [[A part of the sum.]])

* group[+].source = $measure
* group[=].target = "http://hl7.org/fhir/encounter-status"
* insert Source(cancelled-rate-p1y, [[Cancelled visits, last year]])
* insert Target(cancelled, relatedto, [[The encounters in the numerator.]])

* group[+].source = $measure
* group[=].target = "http://terminology.hl7.org/CodeSystem/v3-ParticipationFunction"
* insert Source(attachment-p1y, [[Attachment, last year]])
* insert Target(PCP, relatedto, [[Who looks after the patient, as chosen or as seen.]])
