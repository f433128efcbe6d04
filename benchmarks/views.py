"""Resources a second of the view runner and of hand-written DuckDB SQL: python benchmarks/views.py [TIMES ...]

The same columns of the same lines to Parquet on one core, both in one run, the best of three each, in CPU time: what
else the machine does meanwhile does not count. TIMES is how often the 100 Synthea patients of tests/data are written
one after another.
"""

from __future__ import annotations

import gzip
import shutil
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from service.engine import Engine
from service.flatten.views.definition import definition
from service.flatten.views.runner import write_view

SYNTHEA = Path(__file__).parent.parent / "tests" / "data" / "synthea" / "r4"

ENCOUNTER = {
    "resource": "Encounter",
    "select": [
        {
            "column": [
                {"name": "id", "path": "id"},
                {"name": "status", "path": "status"},
                {"name": "class_code", "path": "class.code"},
                {"name": "type_code", "path": "type.first().coding.first().code"},
                {"name": "patient", "path": "subject.reference"},
                {"name": "practitioner", "path": "participant.first().individual.reference"},
                {"name": "organization", "path": "serviceProvider.reference"},
                {"name": "start", "path": "period.start"},
                {"name": "end", "path": "period.end"},
            ]
        }
    ],
}
CLAIM_ITEMS = {
    "resource": "Claim",
    "select": [
        {
            "column": [
                {"name": "id", "path": "id"},
                {"name": "status", "path": "status"},
                {"name": "patient", "path": "patient.reference"},
                {"name": "created", "path": "created"},
                {"name": "total", "path": "total.value"},
                {"name": "currency", "path": "total.currency"},
            ]
        },
        {
            "forEach": "item",
            "column": [
                {"name": "sequence", "path": "sequence"},
                {"name": "product", "path": "productOrService.coding.first().code"},
                {"name": "net", "path": "net.value"},
                {"name": "encounter", "path": "encounter.first().reference"},
            ],
        },
    ],
}
# Decimals as text first: out of a double, as which it reads them, DuckDB makes 33404.200000000004 of 33404.2.
BY_HAND = {
    "Encounter": """
        SELECT id, status, class.code AS class_code, type[1].coding[1].code AS type_code,
               subject.reference AS patient, participant[1].individual.reference AS practitioner,
               serviceProvider.reference AS organization, period.start AS start, period.end AS end
        FROM read_json('{file}', format='newline_delimited', columns={{
            id: 'VARCHAR', status: 'VARCHAR', class: 'STRUCT(code VARCHAR)',
            type: 'STRUCT(coding STRUCT(code VARCHAR)[])[]', subject: 'STRUCT(reference VARCHAR)',
            participant: 'STRUCT(individual STRUCT(reference VARCHAR))[]',
            serviceProvider: 'STRUCT(reference VARCHAR)', period: 'STRUCT(start VARCHAR, "end" VARCHAR)'}})""",
    "Claim": """
        SELECT id, status, patient.reference AS patient, created,
               total.value::DECIMAL(38, 12) AS total, total.currency AS currency,
               i.item.sequence AS sequence, i.item.productOrService.coding[1].code AS product,
               i.item.net.value::DECIMAL(38, 12) AS net, i.item.encounter[1].reference AS encounter
        FROM read_json('{file}', format='newline_delimited', columns={{
            id: 'VARCHAR', status: 'VARCHAR', patient: 'STRUCT(reference VARCHAR)', created: 'VARCHAR',
            total: 'STRUCT(value VARCHAR, currency VARCHAR)',
            item: 'STRUCT(sequence BIGINT, productOrService STRUCT(coding STRUCT(code VARCHAR)[]),
                          net STRUCT(value VARCHAR), encounter STRUCT(reference VARCHAR)[])[]'}}) AS c,
             UNNEST(c.item) AS i(item)""",
}


def main(times: list[int]) -> None:
    print(f"{'view':>12} {'resources':>10} {'by hand/s':>10} {'runner/s':>10} {'ratio':>6}  rows")
    for n in times:
        for view in (ENCOUNTER, CLAIM_ITEMS):
            with tempfile.TemporaryDirectory() as folder:
                _compare(view, n, Path(folder))


def _compare(view: dict, times: int, folder: Path) -> None:
    file = folder / f"{view['resource']}.ndjson"
    resources = _repeated(file, times)
    by_hand = _best(lambda: _by_hand(view["resource"], file, folder / "hand.parquet"))
    runner = _best(lambda: _runner(view, file, folder / "runner.parquet"))
    same, rows = _same(folder / "hand.parquet", folder / "runner.parquet")
    print(
        f"{view['resource']:>12} {resources:>10,} {resources / by_hand:>10,.0f} {resources / runner:>10,.0f} "
        f"{by_hand / runner:>6.2f}  {rows:,}, {'the same' if same else 'NOT the same'}",
        flush=True,
    )


def _repeated(file: Path, times: int) -> int:
    with gzip.open(SYNTHEA / f"{file.name}.gz") as packed, file.open("wb") as lines:
        shutil.copyfileobj(packed, lines)
    once = file.read_bytes()
    with file.open("ab") as lines:
        for _ in range(times - 1):
            lines.write(once)
    return once.count(b"\n") * times


def _best(work) -> float:
    seconds = []
    for _ in range(3):
        before = time.process_time()
        work()
        seconds.append(time.process_time() - before)
    return min(seconds)


def _by_hand(resource: str, file: Path, out: Path) -> None:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(f"COPY ({BY_HAND[resource].format(file=file)}) TO '{out}' (FORMAT parquet)")


def _runner(view: dict, file: Path, out: Path) -> None:
    with Engine.open(file.parent / "spill", threads=1) as engine:
        write_view(definition(view), file, "R4", engine, out, "parquet")


def _same(hand: Path, runner: Path) -> tuple[bool, int]:
    with duckdb.connect() as connection:
        a, b = (f"SELECT * FROM read_parquet('{path}')" for path in (hand, runner))
        differ = connection.execute(f"SELECT count(*) FROM (({a} EXCEPT ALL {b}) UNION ALL ({b} EXCEPT ALL {a}))")
        return differ.fetchone()[0] == 0, connection.execute(f"SELECT count(*) FROM ({b})").fetchone()[0]


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [10, 100])
