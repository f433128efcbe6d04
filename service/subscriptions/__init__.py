"""A source in, FHIR Subscriptions on it out, each with an end, a secret of its own, and a way back."""
