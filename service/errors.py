"""What can go wrong, as one tree; each error says what happened, where, and what the reader should do.

PersonalizeError                exit 1
+- WrongUsage                   exit 2   a flag, a setting or a file that we were given does not fit
+- WriteRefused                 exit 2   the safety rule: this address may not be written to
+- ServerProblem                exit 1   a FHIR server did not do what was asked
|  +- Unreachable                        no connection, or none in time
|  +- NotPermitted                       401 or 403
|  +- NotFhir                            an answer that is no FHIR: HTML, truncated JSON, a wrong type
|  +- Refused                            any other 4xx or 5xx; carries the status and the outcome's text
|  |  +- LostRace                        409 or 412: somebody else wrote in between
|  +- PagingBroken                       a next link that repeats or leaves the server
|  |  +- LinkExpired                     a next link that the server knows no more: search again
|  +- TooMuch                            an answer larger, deeper or longer than any that is read
|  +- ServerBusy                exit 3   asked to come back later than we wait
+- BeyondLimit                  exit 1   the plan would change more than its limits allow; nothing was written
+- LakeProblem                  exit 1   a file or the catalog is missing, locked or damaged
|  +- InUse                              another run is at work on the same source
+- LeaseLost                    exit 1   a job that another worker has taken over meanwhile
+- EngineProblem                exit 1   what should compute cannot start

A run that ends well but set some patients aside is no error: it prints them, and exits with 3.
"""

from __future__ import annotations


class PersonalizeError(Exception):
    """The root: `what` happened, `where`, and what to `do`."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", do: str = "") -> None:
        self.what, self.where, self.do = what, where, do
        super().__init__(self.text)

    @property
    def text(self) -> str:
        """One line for a person: what (where). Remedy."""
        place = f" ({self.where})" if self.where else ""
        remedy = f". {self.do[0].upper()}{self.do[1:]}" if self.do else ""
        return f"{self.what}{place}{remedy}"


class WrongUsage(PersonalizeError):
    exit_code = 2


class WriteRefused(PersonalizeError):
    exit_code = 2


class ServerProblem(PersonalizeError):
    pass


class Unreachable(ServerProblem):
    pass


class NotPermitted(ServerProblem):
    def __init__(self, what: str, *, where: str = "", do: str = "", status: int = 0) -> None:
        super().__init__(what, where=where, do=do)
        self.status = status


class NotFhir(ServerProblem):
    pass


class Refused(ServerProblem):
    """`code` is the issue code of its OperationOutcome, such as not-supported."""

    def __init__(self, what: str, *, where: str = "", do: str = "", status: int = 0, code: str = "") -> None:
        super().__init__(what, where=where, do=do)
        self.status, self.code = status, code


class LostRace(Refused):
    pass


class PagingBroken(ServerProblem):
    pass


class LinkExpired(PagingBroken):
    pass


class TooMuch(ServerProblem):
    pass


class ServerBusy(ServerProblem):
    """`wait` is the seconds the server asked for, None where it did not say."""

    exit_code = 3
    wait: float | None = None


class BeyondLimit(PersonalizeError):
    pass


class LakeProblem(PersonalizeError):
    pass


class InUse(LakeProblem):
    pass


class LeaseLost(PersonalizeError):
    pass


class EngineProblem(PersonalizeError):
    pass
