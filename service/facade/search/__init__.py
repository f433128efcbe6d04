"""Search parameters as they were sent in, conditions of SQL out."""
