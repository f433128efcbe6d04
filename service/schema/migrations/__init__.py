"""A catalog of any earlier version in, one of this version with all of its rows out: a step a file in `versions/`."""
