"""CDS Hooks 2.0: what an EHR is about to do in, a card with the profile of its patient out. https://cds-hooks.hl7.org/2.0/

Answered from the stored profile. The EHR's FHIR server is never asked for anything, whatever a request names as such.
"""
