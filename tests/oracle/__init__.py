"""An independent computation of the measures, in plain Python, from raw FHIR R4 JSON.

The service's answers are held against it. It shares no code with it
and was written from the published definitions alone; slow and plain on purpose.
"""
