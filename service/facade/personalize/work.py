"""A job in, a run of the pipeline up to its plan out, on the patients that it names; then they are served."""

from __future__ import annotations

from service import pipeline
from service.catalog import Catalog
from service.facade.personalize.jobs import Job
from service.jobs import locks
from service.lake import Lake
from service.pipeline import Outcome
from service.settings import Settings, Source
from service.work import Work


def carry_out(job: Job, config: Settings, source: Source, lake: Lake) -> int:
    """How many profiles were made; a cancelled job ends after the step that it is at."""
    with Catalog.open(lake.catalog, config.catalog()) as catalog, locks.held(source.id, lake.root, config.redis()):
        outcome = Outcome(Work.of(config, source, lake, catalog))
        ids = [each.removeprefix("Patient/") for each in job.patients]
        steps = [
            ("pull", pipeline.pull, (None, ids or None, job.group, False)),
            ("flatten", pipeline.flatten, ()),
            ("derive", pipeline.derive, ()),
            ("plan", pipeline.plan, ()),
        ]
        for name, step, words in steps:
            if job.cancelled:
                return 0
            job.said = name
            outcome.stage(name, step, *words)
        return int(outcome.told["derive"]["profiles"])
