"""Lines are looked at many at once where they are as usual; what is not is found all the same."""

import pytest

from service.pull.heads import Unfit, all_fit, checked, usual

ONE = b'{"resourceType":"Claim","id":"a-1","meta":{"versionId":"7","lastUpdated":"2026-01-01T00:00:00Z"},"item":[{}]}'
TWO = b'{"id":"b.2","resourceType":"Claim"}'
PART = {
    b'{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}',
    b'{"system":"http://hl7.org/fhir/v3/ObservationValue","code":"SUBSETTED"}',
}


def test_many_at_once_are_who_they_are_one_by_one():
    found, begins = all_fit(ONE + b"\n" + TWO + b"\n", "Claim")
    assert found == [checked(ONE, "Claim"), checked(TWO, "Claim")]
    assert begins == [0, len(ONE) + 1]


@pytest.mark.parametrize(
    "lines",
    [
        ONE + b"\n" + TWO,  # the last has no end
        ONE + b"\r\n",
        ONE + b"\n\n" + TWO + b"\n",
        ONE + TWO + b"\n",  # two on one line
        ONE.replace(b',"item"', b',\n"item"') + TWO + b"\n",  # as many line breaks as resources, and one is inside
        ONE + b"\n" + TWO[:-1] + b"\n",
        ONE + b"\n" + TWO.replace(b"Claim", b"Patient") + b"\n",
        ONE + b"\n" + TWO.replace(b'"id":"b.2",', b"") + b"\n",
        ONE + b"\n[]\n",
        b"\n",
    ],
)
def test_what_is_not_as_usual_is_looked_at_line_by_line(lines):
    assert all_fit(lines, "Claim") is None


@pytest.mark.parametrize("tag", sorted(PART))
def test_a_part_of_a_resource_is_never_as_usual(tag):
    part = ONE.replace(b'"},"item"', b'","tag":[%s]},"item"' % tag)
    assert all_fit(part + b"\n", "Claim") is None
    assert usual("Claim")(part) is None
    with pytest.raises(Unfit, match="only a part"):
        checked(part, "Claim")


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (b'"versionId":"7",', b""),
        (b'Z"}', b'Z","source":"#a1"}'),
        (b'Z"}', b'Z","source":"#a1","profile":["http://example.org/a","http://example.org/b"]}'),
    ],
)
def test_as_servers_begin_a_resource(was, now):
    body = ONE.replace(was, now)
    begins = usual("Claim")(body)
    assert begins and begins[1].decode() == checked(body, "Claim").id
    assert checked(body, "Claim").meta.lastUpdated


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (b"Claim", b"Patient"),
        (b'"a-1"', b"1"),
        (b'"2026', b'"\\u0032026'),
        (b'"lastUpdated":"2026-01-01T00:00:00Z"', b'"lastUpdated":""'),
        (b'"7",', b'"7","tag":[{}],'),
        (b'{"resourceType":"Claim","id":"a-1"', b'{"id":"a-1","resourceType":"Claim"'),
    ],
)
def test_any_other_beginning_is_left_to_the_decoder(was, now):
    assert usual("Claim")(ONE.replace(was, now)) is None
