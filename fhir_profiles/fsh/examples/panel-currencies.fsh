// A patient who lives by a border: three currencies side by side, each an amount of its own. They are never added up,
// and no rate of exchange is assumed.

Instance: example-panel-currencies
InstanceOf: PersonalizationProfile
Usage: #example
Title: "Panel, several currencies"
Description: "Charges, liability and payments in three currencies."
* insert PanelOf(example-patient-currencies, 7f1c9c1c8dd5dcb1b0a1a4c9cf5e0b77)
* insert Level(standard, Standard)
* insert Pathway(financial-navigation, Financial navigation)
* insert BecauseMoney(patient-liability, patient-liability-p1y, 2610.40, USD, 2500)
* insert Count(visits-p1y, p1y, [[Visits, last year]], 6)
* insert Count(outpatient-visits-p1y, p1y, [[Outpatient visits, last year]], 6)
* insert Count(ed-visits-p1y, p1y, [[Emergency visits, last year]], 0)
* insert Count(other-visits-p1y, p1y, [[Other visits, last year]], 0)
* insert Count(stays-p1y, p1y, [[Hospital stays, last year]], 0)
* insert Days(contact-days-p1y, p1y, [[Days with healthcare, last year]], 6)
* insert Money(billed-charges-p1y, p1y, [[Billed charges, last year]], 9870.15, USD)
* insert Money(billed-charges-p1y, p1y, [[Billed charges, last year]], 640, CAD)
* insert Money(billed-charges-p1y, p1y, [[Billed charges, last year]], 1200.5, MXN)
* insert Money(patient-liability-p1y, p1y, [[Patient liability, last year]], 2610.40, USD)
* insert Money(patient-liability-p1y, p1y, [[Patient liability, last year]], 45, CAD)
* insert Unknown(patient-paid-p1y, p1y, [[Paid by the patient, last year]], unknown, Unknown, [[No explanation of benefit or response says what became of the claims.]])
* insert Day(last-preventive-visit, ever, Last preventive visit, 2025-10-20)
