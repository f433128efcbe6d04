"""A FHIR type's name in; out come how its values are read from JSON, and what they can be compared with."""

from __future__ import annotations

TEXT, BOOLEAN, INTEGER, DECIMAL, MOMENT, TIME = "text", "boolean", "integer", "decimal", "moment", "time"
NUMERIC = (INTEGER, DECIMAL)

# A decimal that a view computes; one that is read is text until it is needed as a number, which keeps its digits.
NUMBER = "Decimal"
NOTHING = "nothing"  # the empty collection: what an element is that nobody sent
CHOICE = "choice"  # value[x], before ofType() has said which

KINDS = {
    **dict.fromkeys(("string", "code", "id", "uri", "url", "canonical", "oid", "uuid", "markdown", "xhtml"), TEXT),
    "base64Binary": TEXT,
    "boolean": BOOLEAN,
    **dict.fromkeys(("integer", "positiveInt", "unsignedInt", "integer64"), INTEGER),
    **dict.fromkeys(("decimal", NUMBER), DECIMAL),
    **dict.fromkeys(("date", "dateTime", "instant"), MOMENT),
    "time": TIME,
}
READ = {BOOLEAN: "boolean", INTEGER: "int64"}  # all others as text: a date may be a year, a decimal has its digits
WRITTEN = READ | {DECIMAL: "decimal(38, 12)"}


def kind(type_: str) -> str | None:
    """None for what has elements of its own."""
    return KINDS.get(type_)


def read_as(type_: str) -> str:
    return READ.get(KINDS[type_], "string")


def written_as(type_: str) -> str:
    return WRITTEN.get(KINDS[type_], "string")
