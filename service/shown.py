"""The outcome of a run in; the `--json` document or lines for a terminal out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service import reporting
from service.errors import WrongUsage
from service.pipeline import STAGES, Outcome
from service.report import TopPatient, equity_text, fragmentation_text, top_fhir, top_text
from service.report.context import AXES
from service.work import Work

WINDOWS = {"year": "p1y", "month": "p1m", "week": "p7d"}
NOTES = {
    "amount-without-currency": "adjudicated amounts without a currency: unknown, and not added up",
    "birth-date-partial": "birth dates without a day: the start of their month or year is taken",
    "birth-date-unreadable": "birth dates that are no dates: no age is known",
    "class-other": "visits of an absent or local class: counted as other",
    "cyclic-part-of": "visits that are part of themselves: taken as parts of none",
    "cyclic-prior": "claims that replace themselves: each counts",
    "date-partial": "claims dated by a month or year: its start is taken",
    "deceased-unreadable": "deaths at a time that is no time: taken as deceased",
    "end-before-start": "visits that end before they start: the end is left out",
    "end-unreadable": "visits whose end is no time: the end is left out",
    "item-amount-unreadable": "claim items with an amount that is no number: the amount is left out",
    "item-nets-differ-from-the-total": "claims whose items do not add up to their total: the total is taken",
    "practitioner-unresolved": "visits whose clinician cannot be told from the reference: no clinician is known",
    "reference-elsewhere": "visits that name an organisation, site or visit at another address: it is unknown",
    "role-without-a-practitioner": "roles that name no practitioner: the role stands for itself",
    "same-instant": "patients with visits at one instant: taken in the order of their ids",
    "start-partial": "visits that start in a month or year: its start is taken",
}


def document(outcome: Outcome) -> dict[str, Any]:
    """What `run --json` prints. A type that the server does not offer is null, not 0."""
    pull, flat, derived, plan, applied, undone = (outcome.told.get(stage, {}) for stage in STAGES)
    return {
        "run": outcome.work.run.run,
        "source": outcome.work.source.id,
        "fhir_version": pull.get("fhir_version"),
        "as_of": derived.get("as_of"),
        "pulled": {
            name: None if kind["unknown"] else kind["count"] - flat.get("duplicates", {}).get(name, 0)
            for name, kind in pull.get("types", {}).items()
        },
        "set_aside": [
            entry for stage in (pull, flat, derived, applied, undone) for entry in stage.get("set_aside", [])
        ],
        "profiles": derived.get("profiles"),
        "levels": derived.get("levels"),
        "plan": plan.get("counts"),
        "written": applied.get("written", {}),
        "removed": applied.get("removed", {}),
        "rung": applied.get("rung", {}),
        "undone": dict(sorted(undone.get("undone", {}).items())),
        "notes": notes(outcome),
        "seconds": outcome.seconds,
    }


def notes(outcome: Outcome) -> list[str]:
    """What a reader would otherwise stumble over."""
    pull, flat, derived = (outcome.told.get(stage, {}) for stage in ("pull", "flatten", "derive"))
    said = [f"{name} is unknown: {kind['unknown']}" for name, kind in pull.get("types", {}).items() if kind["unknown"]]
    said += pull.get("warnings", []) + pull.get("notes", [])
    counted = {**flat.get("notes", {}), **derived.get("notes", {})}
    said += [f"{count:,} {NOTES.get(what, what)}" for what, count in counted.items() if count]
    if pull.get("limited"):
        said.append(f"only {pull['types']['Patient']['count']} patients were read; --patient-limit N reads more")
    if derived.get("follows"):
        said.append(
            f"{derived['derived_anew']:,} profiles were derived anew, the others carried over from run "
            f"{derived['follows']}: nothing that they rest on has changed"
        )
    if derived.get("older"):
        said.append(f"the latest visit is of {derived['older']}, before every window: try --as-of latest")
    if pull.get("types", {}).get("Patient", {}).get("count") == 0:
        said.append("the server holds no patients, so there is nothing to derive")
    plan, applied, undone = (outcome.told.get(stage, {}) for stage in ("plan", "apply", "undo"))
    if plan.get("held"):
        said.append(f"{plan['held']} held: what stands there of ours has no profile any more, or is not ours to change")
    if applied.get("set_aside"):
        said.append(f"{len(applied['set_aside'])} set aside: `personalize apply --retry-failed` tries them again")
    if applied.get("stopped"):
        said.append(f"stopped: {applied['stopped']}; {applied['unwritten']} patients were not written")
    said += [note for told in (plan, applied, undone) for note in told.get("notes", [])]
    return said + [f"kept: {each}" for each in undone.get("kept", [])]


def lines(outcome: Outcome) -> Iterator[str]:
    """A run as a person reads it, one line a stage."""
    told = document(outcome)
    pull, plan = outcome.told.get("pull"), outcome.told.get("plan")
    yield f"run      {told['run']}"
    if pull:
        yield f"source   {outcome.work.source.url} ({pull['software'] or 'unnamed'}, FHIR {pull['fhir_version']})"
        yield f"pulled   {_counts(told['pulled'])}{_took(outcome, 'pull')}"
    if told["set_aside"]:
        yield from _set_aside(told["set_aside"])
    if told["levels"] is not None:
        yield f"derived  {told['profiles']:,} profiles as of {told['as_of']}{_took(outcome, 'derive')}"
        yield f"         {_counts(told['levels'])}"
    if plan:
        yield f"planned  {_counts(plan['counts'])}{_took(outcome, 'plan')}"
        yield from (f"           {line}" for line in plan["listed"])
    if "apply" in outcome.told:
        said = _counts(told["written"]) or ("nothing" if told["removed"] else "nothing: all of it stands there already")
        yield f"written  {said}{_took(outcome, 'apply')}"
        if told["removed"]:
            yield f"removed  {_counts(told['removed'])}"
        if told["rung"]:
            yield f"         patients as {_counts(told['rung'])}"
    elif "undo" in outcome.told:
        yield f"undone   {_counts(told['undone']) or 'nothing: nothing of that run is left'}{_took(outcome, 'undo')}"
    elif plan:
        yield "written  nothing: this was a plan; --apply writes it"
    yield from (f"note     {note}" for note in told["notes"])
    if told["written"] or told["removed"]:
        yield f"To take it back: personalize undo {told['run']}"


def ranking(patients: Sequence[TopPatient]) -> Iterator[str]:
    """A line a patient: how much, who, level, pathways."""
    width = max((len(each.patient) for each in patients), default=0)
    for each in patients:
        unit = "" if each.unit == "1" else f" {each.unit}"
        yield (
            f"{each.value.normalize():>8,f}{unit}  {each.patient:<{width}}  {each.level or 'no level':<9} "
            f"{', '.join(each.pathways) or '-'}"
        )
    if not patients:
        yield "nobody"


@dataclass(frozen=True)
class Asked:
    """What a ranking is to be of; `window` is a code such as p1y."""

    by: str
    window: str
    limit: int
    organizations: bool
    aggregate: bool


Emitted = tuple[Any, Iterable[str], bool]  # a document, lines, and whether it is the document that is asked for


def top(work: Work, asked: Asked, layout: str) -> Emitted:
    """A ranking, or with nobody in it what it is of; a MeasureReport never has anybody in it."""
    if asked.aggregate or layout == "measurereport":
        found = reporting.aggregate(work, asked.by, asked.window, asked.organizations)
        tables = {"table": top_text.aggregate_lines, "csv": top_text.aggregate_csv}
        documents = {"json": lambda: found, "measurereport": lambda: top_fhir.summary(found, reporting.basis(work))}
        return _laid_out(layout, {name: tell(found) for name, tell in tables.items()}, documents)
    ranked = reporting.ranking(work, asked.by, asked.window, asked.limit, asked.organizations)
    texts = {"table": top_text.lines(ranked), "csv": top_text.csv_lines(ranked)}
    return _laid_out(
        layout, texts, {"json": lambda: ranked, "list": lambda: top_fhir.lists(ranked, reporting.basis(work))}
    )


def equity(work: Work, by: Sequence[str] | None, rurality: Sequence[str], layout: str) -> Emitted:
    found = reporting.equity(work, by or AXES, rurality)
    summary = {"measurereport": lambda: equity_text.summary(found, reporting.basis(work))}
    return _laid_out(layout, {"table": equity_text.lines(found)}, {"json": lambda: found, **summary})


def fragmentation(work: Work, earlier: int, svg: Path | None, layout: str) -> Emitted:
    found = reporting.fragmentation(work, earlier)
    if svg is not None:
        from service.report import picture  # slow to load

        _saved(svg, picture.svg(found))
    summary = {"measurereport": lambda: fragmentation_text.summary(found, reporting.basis(work))}
    return _laid_out(layout, {"table": fragmentation_text.lines(found)}, {"json": lambda: found, **summary})


def _laid_out(layout: str, texts: Mapping[str, Iterable[str]], documents: Mapping[str, Callable[[], Any]]) -> Emitted:
    if layout in texts:
        return None, texts[layout], False
    if layout in documents:
        return documents[layout](), (), True
    fitting = ", ".join((*texts, *documents))
    raise WrongUsage(f"this has no format {layout}", where="--format", do=f"choose one of {fitting}")


def _saved(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise WrongUsage(f"it cannot be written: {error.strerror}", where=str(path), do="name another file") from error


def _set_aside(entries: list[dict[str, str]]) -> Iterator[str]:
    """By reason, each with one place to look at; --json lists every place."""
    reasons: dict[str, list[str]] = {}
    for entry in entries:
        reasons.setdefault(entry["why"], []).append(entry["where"])
    for why, places in sorted(reasons.items(), key=lambda each: -len(each[1])):
        yield f"aside    {len(places):,} set aside: {why} ({places[0]}{', ...' if len(places) > 1 else ''})"


def _counts(counts: dict[str, int | None]) -> str:
    return ", ".join(f"{'unknown' if n is None else f'{n:,}'} {name}" for name, n in counts.items())


def _took(outcome: Outcome, stage: str) -> str:
    return f"  [{outcome.seconds[stage]:.1f} s]" if stage in outcome.seconds else ""
