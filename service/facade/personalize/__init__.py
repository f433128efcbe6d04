"""`$personalize`: some patients in, their profiles made anew from what the source holds now out, in this process."""
