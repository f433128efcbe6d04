"""Commands, nothing else: each parses its words, calls one function and prints what comes back.

stdout holds the answer, stderr everything else. Exit 0 done, 1 something failed, 2 wrong usage, 3 partial: some
patients were set aside.
"""
