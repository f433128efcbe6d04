"""The addresses that our resources speak with: our own canonicals, and the code systems of others that we use."""

from __future__ import annotations

from fhir_profiles import CANONICAL as BASE

MEASURE = f"{BASE}/CodeSystem/personalization-measure"
LEVEL = f"{BASE}/CodeSystem/personalization-level"
PATHWAY = f"{BASE}/CodeSystem/personalization-pathway"
CATEGORY = f"{BASE}/CodeSystem/personalization-category"
RATIONALE_CODES = f"{BASE}/CodeSystem/personalization-rationale"

PATIENT_PERSONALIZATION = f"{BASE}/StructureDefinition/patient-personalization"
MEASURE_BASIS = f"{BASE}/StructureDefinition/measure-basis"
RATIONALE = f"{BASE}/StructureDefinition/personalization-rationale"
PROFILE = f"{BASE}/StructureDefinition/personalization-profile"
FLAG = f"{BASE}/StructureDefinition/personalization-flag"
DEVICE = f"{BASE}/StructureDefinition/personalization-device"
TOP_PATIENTS = f"{BASE}/StructureDefinition/top-patients"
REPORT = f"{BASE}/StructureDefinition/personalization-report"
USUAL_PROVIDER = f"{BASE}/StructureDefinition/usual-provider"
PROVENANCE = f"{BASE}/StructureDefinition/personalization-provenance"

PROFILE_IDENTIFIER = f"{BASE}/NamingSystem/profile"
INSTALLATION = f"{BASE}/installation"

CURRENCY = "urn:iso:std:iso:4217"
NO_CURRENCY = "XXX"  # of ISO 4217: an amount that is known to be nothing, whatever the currency
UCUM = "http://unitsofmeasure.org"
RFC_6920 = "urn:ietf:rfc:6920"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
OBSERVATION_VALUE = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
