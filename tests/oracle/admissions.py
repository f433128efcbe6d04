"""In: one person's stays. Out: their nights in hospital, which of them were acute, and which led to a readmission."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from .contacts import Stay, belonging
from .instants import local_day
from .visits import Visit

ENOUGH = Fraction(80, 100)
FOLLOW_UP = timedelta(days=30)
DIED, AGAINST_ADVICE, TRANSFERRED = {"exp", "20"}, {"aadvice", "07"}, {"other-hcf", "02"}


def nights(
    admissions: Collection[Stay], own: Collection[Visit], start: datetime, end: datetime, zone: ZoneInfo
) -> int | None:
    """date(end) - date(start), clipped to [start, end]. Unknown when too few of the stays say when they ended."""
    reaching = [each for each in admissions if each.end >= start and each.start < end]
    ended = [each for each in reaching if says_its_end(each, own)]
    if reaching and Fraction(len(ended), len(reaching)) < ENOUGH:
        return None
    spans = [(max(each.start, start), min(each.end, end)) for each in ended]
    return sum((local_day(last, zone) - local_day(first, zone)).days for first, last in spans)


def says_its_end(admission: Stay, own: Collection[Visit]) -> bool:
    """Whether any of its visits has an end, or is still open."""
    return any(each.end or each.open for each in own if each.id in admission.visits)


def acute(admission: Stay, own: Collection[Visit], admissions: Collection[Stay]) -> bool:
    """It began in emergency, or by admission source or class it is acute."""
    parts = [each for each in own if each.id in admission.visits]
    emergency = [each for each in own if each.kind == "emergency"]
    began_there = any(each.start <= admission.start for each in belonging(admission, emergency, own, admissions))
    return began_there or any(each.acute or "emd" in each.admitted_from for each in parts)


def readmitted(
    admissions: Collection[Stay], own: Collection[Visit], start: datetime, end: datetime, zone: ZoneInfo
) -> tuple[int, int]:
    """Of the index stays that began in the window: how many a stay followed within 30 days, and how many there are."""
    index = [each for each in admissions if start <= each.start < end and is_index(each, admissions, own, end, zone)]
    return sum(bool(following(each, admissions, zone)) for each in index), len(index)


def is_index(
    admission: Stay, admissions: Collection[Stay], own: Collection[Visit], end: datetime, zone: ZoneInfo
) -> bool:
    """Over, with 30 days of follow-up, and neither died, left against advice nor transferred."""
    parts = [each for each in own if each.id in admission.visits]
    over = says_its_end(admission, own) and not any(each.open and not each.end for each in parts)
    followed = local_day(end, zone) - local_day(admission.end, zone) >= FOLLOW_UP
    to = set().union(*(each.discharged_to for each in parts if (each.end or each.start) == admission.end))
    excluded = not to.isdisjoint(DIED | AGAINST_ADVICE | TRANSFERRED)
    return over and followed and not excluded and not transferred(admission, admissions, parts, zone)


def transferred(admission: Stay, admissions: Collection[Stay], parts: Collection[Visit], zone: ZoneInfo) -> bool:
    """Admitted elsewhere on the same or the next day."""
    here = {each.organisation for each in parts}
    soon = [each for each in following(admission, admissions, zone) if days_after(admission, each, zone) <= 1]
    return any(each.organisations and here.isdisjoint(each.organisations) for each in soon)


def following(admission: Stay, admissions: Collection[Stay], zone: ZoneInfo) -> list[Stay]:
    """The stays that began after its end, on the 30th day or sooner."""
    later = [each for each in admissions if each.start > admission.end]
    return [each for each in later if days_after(admission, each, zone) <= FOLLOW_UP.days]


def days_after(admission: Stay, later: Stay, zone: ZoneInfo) -> int:
    """From the date of the end to the date of the next start."""
    first: date = local_day(admission.end, zone)
    return (local_day(later.start, zone) - first).days
