"""The lake's newest profiles in, one SQLite file to read them from by id or by search out."""
