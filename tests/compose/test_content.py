"""The digest of a content: what a server or a night changes is none, what a person changes is."""

import copy
import datetime as dt
import json
from decimal import Decimal

import pytest
from derived_files import Derived, count, write
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from service.compose import compose, read_edition
from service.compose.content import digest, encode, identical, parse, plain, same
from service.write_back.patient import Borne, bearing, borne

NOW = dt.datetime(2026, 7, 1, 2, 30, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    measures = [count("ed-visits-p1y", 2), count("upc-p1y", "0.5"), count("billed-charges-p1y", "1200", "USD")]
    write(folder, Derived("x", measures=measures))
    [each] = compose(folder, read_edition(folder, source_id="s", installation="i", recorded=NOW))
    return each.panel


def shuffled(value, draw):
    if isinstance(value, dict):
        return {key: shuffled(value[key], draw) for key in draw(st.permutations(list(value)))}
    if isinstance(value, list):
        return [shuffled(each, draw) for each in value]
    return value


@given(st.data())
def test_the_order_of_keys_is_no_content(panel, data):
    assert digest(parse(encode(shuffled(panel, data.draw)))) == digest(panel)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20), st.integers(0, 6))
def test_trailing_zeros_are_no_content(number, zeros):
    padded = Decimal(
        (number.as_tuple().sign, number.as_tuple().digits + (0,) * zeros, number.as_tuple().exponent - zeros)
    )
    assert padded == number
    for text in (f"{padded}", f"{padded:f}"):
        assert digest(parse(f'{{"value": {text}}}'.encode())) == digest({"value": plain(number)})


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_no_digit_is_lost(number):
    assert Decimal(plain(number)) == number


def test_what_a_server_adds_is_no_content(panel):
    stored = copy.deepcopy(panel)
    stored["meta"] |= {"versionId": "3", "lastUpdated": "2026-07-01T00:00:00Z", "source": "x#request"}
    stored["text"] = {"status": "generated", "div": "<div/>"}
    assert same(stored, panel)
    assert identical(stored, panel)


def test_what_moves_every_night_is_no_content(panel):
    later = copy.deepcopy(panel)
    later["issued"] = "2027-01-01T00:00:00Z"
    later["effectivePeriod"] = {"start": "2026-01-01", "end": "2027-01-01"}
    parts = later["extension"][0]["extension"]
    for part in parts:
        if part["url"] in ("asOf", "validUntil"):
            part["valueDateTime"] = "2027-01-01T00:00:00Z"
    parts.append({"url": "reviewBy", "valueDate": "2027-02-01"})
    assert same(later, panel)
    assert not identical(later, panel)


@pytest.mark.parametrize(
    "edit",
    [
        lambda panel: panel.update(status="amended"),
        lambda panel: panel["component"].pop(),
        lambda panel: panel["component"][0]["valueQuantity"].update(value=Decimal("2.01")),
        lambda panel: panel["extension"][0]["extension"].pop(),
        lambda panel: panel.update(note=[{"text": "seen by a person"}]),
        lambda panel: panel["subject"].update(reference="Patient/y"),
    ],
)
def test_an_edit_by_hand_is_content(panel, edit):
    edited = copy.deepcopy(panel)
    edit(edited)
    assert not same(edited, panel)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OTHERS = st.lists(st.fixed_dictionaries({"url": st.text(), "valueString": st.text()}), max_size=3)
OURS = "https://w3id.org/fhir-personalization/StructureDefinition/patient-personalization"


@given(st.dictionaries(st.text(), JSON, max_size=5), OTHERS, st.integers(0, 3))
def test_putting_an_extension_on_a_patient_and_taking_it_off_leaves_the_same_bytes(fields, others, at):
    fields.pop("extension", None)
    patient = encode(fields | ({"extension": others} if others else {}))
    wanted = Borne(at, Raw(encode({"url": OURS, "extension": [{"url": "level", "valueCode": "standard"}]})))
    with_ours = bearing(patient, wanted)
    assert borne(with_ours).content == wanted.content
    order = list(json.loads(patient))
    assert [key for key in json.loads(with_ours) if key in order] == order
    assert bearing(with_ours, None) == patient


def test_digits_and_unknown_elements_of_a_patient_are_carried_to_the_letter():
    patient = b'{"resourceType":"Patient","x-unknown":{"a":100.00,"b":1e3,"c":"\\u00e9"},"birthDate":"1970-01-01"}'
    wanted = Borne(0, Raw(encode({"url": OURS, "extension": []})))
    assert bearing(bearing(patient, wanted), None) == patient
    assert b'"x-unknown":{"a":100.00,"b":1e3,"c":"\\u00e9"}' in bearing(patient, wanted)
