"""The catalogue and the shipped policy in, the FSH of the code systems of measures and rationales, and of units, out.

python -m service.derive.catalogue_fsh     writes the files; fhir_profiles/build.sh then compiles them
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fhir_profiles
from service.compose.canonical import NO_CURRENCY
from service.derive.catalogue import FAMILIES
from service.derive.measure import Family
from service.derive.policy import Policy
from service.derive.rules import RATIONALES, Rule
from service.derive.wording import BEFORE, display, unit, unknown_when

PANEL = (
    '* #profile "Personalization profile" '
    '"The panel of all measures of one patient, as of one moment; its value is the level."'
)
FOLDER = Path(fhir_profiles.__file__).parent / "fsh"
TITLES = {family.code: family.title for family in FAMILIES}
COMPARED = {">=": "reaches", "<": "is below", "older-than-months": "is longer ago than"}

MEASURES = """\
// The measures, in the order of the catalogue, which alone feeds this file. Unknown is never zero.

CodeSystem: PersonalizationMeasureCodes
Id: personalization-measure
Title: "Personalization measures"
Description: "What the panel measures: the panel's own code first, then one code for each measure and window."
* insert WholeCodeSystem(personalization-measure)
* insert MeasureProperties
{panel}
{concepts}

ValueSet: PersonalizationMeasures
Id: personalization-measure
Title: "Personalization measures"
Description: "All measures, and the panel's own code."
* insert ForUse
* include codes from system $measure
"""
RATIONALE = """\
// The rules of the shipped policy in its order, then what a hospital's own rules are told by; catalogue and policy
// alone feed this file. A panel gives one rationale for each rule that fired.

CodeSystem: PersonalizationRationaleCodes
Id: personalization-rationale
Title: "Personalization rationale"
Description: "The rules that give a level or a pathway; the rationale on the panel adds the value and the threshold."
* insert WholeCodeSystem(personalization-rationale)
{concepts}

ValueSet: PersonalizationRationales
Id: personalization-rationale
Title: "Personalization rationale"
Description: "All rules."
* insert ForUse
* include codes from system $rationale
"""
UNITS = """\
// In which unit a measure of the panel is given; the catalogue alone feeds this file. A number in another unit is
// another number, and a reader would take it for this one.
"""
UNIT = """
Invariant: {key}
Description: "{words}"
Severity: #error
Expression: "value.exists() and {measured} implies {holds}"
"""
MEASURED = "code.coding.where(system = '{}' and code.matches('^({})(-p7d|-p1m|-p1y)?$')).exists()"
SYSTEM = f"{fhir_profiles.CANONICAL}/CodeSystem/personalization-measure"
IN_UCUM = "value.where(system = 'http://unitsofmeasure.org' and code = '{}').exists()"
RULES = {
    "1": ("pers-unit-1", "A count, a ratio or an index is a Quantity in 1 (UCUM).", IN_UCUM.format("1")),
    "d": ("pers-unit-2", "Days and nights are a Quantity in d (UCUM).", IN_UCUM.format("d")),
    NO_CURRENCY: (
        "pers-unit-3",
        "An amount of money is a Quantity in a currency of ISO 4217; XXX is a known nothing.",
        "value.where(system = 'urn:iso:std:iso:4217' and code.matches('^[A-Z]{3}$')).exists()",
    ),
    "date": ("pers-unit-4", "The day of a visit is a dateTime.", "value is dateTime"),
}


def files() -> dict[str, str]:
    """Text by file name."""
    return {
        "terminology/personalization-measure.fsh": MEASURES.format(panel=PANEL, concepts="\n".join(_measures())),
        "terminology/personalization-rationale.fsh": RATIONALE.format(concepts="\n".join(_rationales(Policy.load()))),
        "profiles/measure-units.fsh": UNITS + "".join(map(_rule, RULES)),
    }


def _rule(unit: str) -> str:
    key, words, holds = RULES[unit]
    codes = "|".join(family.code for family in FAMILIES if family.unit == unit)
    return UNIT.format(key=key, words=words, measured=MEASURED.format(SYSTEM, codes), holds=holds)


def _measures() -> Iterator[str]:
    for family in FAMILIES:
        for code, window in family.codes.items():
            yield f"* #{code} {_quoted(display(family, window))} {_quoted(_definition(family, window))}"
            told = [family.source, family.definition, f"Unknown when {unknown_when(family)}."]
            entry = ", ".join([family.dimension, window, _unit(family), *map(_bracketed, told)])
            yield f"* #{code} insert MeasureEntry({entry})"


def _definition(family: Family, window: str) -> str:
    return (
        f"{family.definition} Unit: {unit(family)}. Window: {BEFORE[window]}. Source: {family.source}. "
        f"Unknown when {unknown_when(family)}."
    )


def _unit(family: Family) -> str:
    return "currency" if family.unit == NO_CURRENCY else family.unit


def _rationales(policy: Policy) -> Iterator[str]:
    shipped: dict[str, list[Rule]] = {}
    for rule in (rule for row in policy.rows for rule in row.any):
        shipped.setdefault(rule.rationale_code, []).append(rule)
    for code in dict.fromkeys((*shipped, *RATIONALES)):
        yield f"* #{code} {_quoted(TITLES[code])} {_quoted(_told(code, shipped.get(code, [])))}"


def _told(code: str, rules: list[Rule]) -> str:
    """Without the thresholds: those are the policy's, and the rationale on the panel gives them."""
    if not rules:
        return f"No rule of the shipped policy; a hospital's own may read {code}."
    said = " or ".join(dict.fromkeys(COMPARED[rule.comparator] for rule in rules))
    read = ", ".join(dict.fromkeys(code for rule in rules for code in (rule.measure, rule.instead) if code))
    never = ", or none was ever recorded" if rules[0].comparator == "older-than-months" else ""
    instead = " Where the first is unknown the second is read." if any(rule.instead for rule in rules) else ""
    return f"{TITLES[code]}: the value {said} the threshold{never}. Reads: {read}.{instead}"


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _bracketed(text: str) -> str:
    """As a parameter of a rule set, which puts it into quotes itself."""
    return f"[[{_escaped(text)}]]"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def main() -> None:
    for name, text in files().items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
