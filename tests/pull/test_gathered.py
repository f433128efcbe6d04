"""What several downloads write into one file is told apart afterwards, and what nobody owns is left out."""

import pytest

from service.pull.gathered import Gathered, alike, fills, holds, lines_in, parts_in


@pytest.fixture
def file(tmp_path):
    gathered = Gathered(tmp_path / "export-Claim.state")
    yield gathered
    gathered.close()


def added(file, *pieces):
    spans = []
    for piece in pieces:
        file.add(piece, spans)
    file.flush()
    return spans


def test_each_has_its_own_lines(file):
    one, other = [], []
    for piece in range(3):
        file.add(b"one %d\n" % piece, one)
        file.add(b"other %d\nother too\n" % piece, other)
    file.flush()
    assert list(lines_in(file.path, one)) == [b"one 0\n", b"one 1\n", b"one 2\n"]
    assert b"".join(parts_in(file.path, other)) == b"other 0\nother too\nother 1\nother too\nother 2\nother too\n"
    assert fills(file.path, one + other)
    assert not fills(file.path, other)


def test_what_follows_itself_is_one_span(file):
    assert added(file, b"a\n", b"b\n") == [(0, 4)]
    assert added(file, b"c\n") == [(4, 6)]


def test_it_goes_on_where_an_earlier_process_ended(file):
    added(file, b"garbage\n")
    file.close()
    again = Gathered(file.path)
    spans = added(again, b"a\n")
    again.close()
    assert spans == [(8, 10)]
    assert list(lines_in(file.path, spans)) == [b"a\n"]


def test_the_same_twice_is_alike(file):
    first, second = added(file, b"a\nb\n"), added(file, b"a\nb\n")
    assert alike(file.path, first, second)
    assert not alike(file.path, first, added(file, b"a\nc\n"))


def test_a_file_that_is_shorter_than_they_say_does_not_hold_them(file):
    spans = added(file, b"a\n", b"b\n")
    assert holds(file.path, spans) and holds(file.path, [])
    assert not holds(file.path, [(0, 5)])
    assert not holds(file.path.with_name("another"), [])
