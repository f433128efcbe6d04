"""A SMART app of one screen: launched from an EHR or by itself, it shows the profile of the patient in its context."""
