"""What was appended is found once, whoever else appends or moves at that moment, and whatever a kill left."""

import threading
from contextlib import closing

import pytest

from service import shelves
from service.shelves.journal import FEW, Journal, beside

BODY = b'{"resourceType":"AuditEvent","id":"%d"}'


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "audit.sqlite"
    with closing(shelves.connect(path)) as connection:
        shelves.create(connection)
    return path


def event(number):
    return shelves.Kept("AuditEvent", str(number), BODY % number, updated=number, as_of=number, status="0")


def found(target):
    with closing(shelves.connect(target, read_only=True)) as connection:
        return sorted(int(each) for (each,) in connection.execute("SELECT id FROM resources"))


@pytest.mark.parametrize("journals", [1, 2])
def test_nothing_is_lost_that_is_appended_while_it_is_moved(target, journals):
    """By the threads of one process, and by processes, each of which opens the file for itself."""
    held = [Journal(target) for _ in range(journals)]
    over = threading.Event()

    def move():
        while not over.is_set():
            held[-1].move()

    mover = threading.Thread(target=move)
    mover.start()
    for number in range(3_000):
        held[0].append([event(number)])
    over.set()
    mover.join()
    for journal in held:
        journal.close()
    assert found(target) == list(range(3_000))
    assert beside(target).stat().st_size == 0


def test_many_lines_are_moved_in_passes(target, monkeypatch):
    monkeypatch.setattr("service.shelves.journal.AT_ONCE", FEW + 1_000)
    with closing(Journal(target)) as journal:
        journal.append(event(number) for number in range(5_000))
        assert journal.move() == 5_000
    assert found(target) == list(range(5_000))


def test_what_a_kill_left_of_a_line_does_not_spoil_the_next(target):
    with closing(Journal(target)) as journal:
        journal.append([event(1)])
        with beside(target).open("ab") as file:
            file.write(b'{"type":"AuditEvent","id":"2","pati')
        journal.append([event(3)])
        assert journal.move() == 2
    assert found(target) == [1, 3]
