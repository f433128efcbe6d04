"""A catalog in, its queue of jobs opened, and time that passes at a word, out."""

import sqlalchemy as sa

from service.settings.jobs import Jobs
from service.tables import jobs, schedules

PATIENTLY = Jobs(debounce=60, at_most=600, lease=600, attempts=3, backoff=60)


def later(queue, seconds):
    """All that is waited for is so much nearer."""
    moved = {name: jobs.c[name] - seconds for name in ("first", "due", "until")}
    with queue.engine.begin() as tx:
        tx.execute(jobs.update().values(**moved))
        tx.execute(schedules.update().values(next=schedules.c.next - seconds))


def rows(queue):
    """What is on record, by patient."""
    with queue.engine.connect() as look:
        return {row["patient"]: dict(row) for row in look.execute(sa.select(jobs)).mappings()}
