"""`repeat` beyond the official cases: as deep as the lines go, one within another, and where nothing is to be found."""

import json

import pytest

from service.engine import Engine
from service.errors import WrongUsage
from service.flatten.views import run_view
from service.flatten.views.definition import definition


def item(link, *items, answered=()):
    return {"linkId": link, "item": list(items), "answer": [{"item": list(answered)}] if answered else []}


def nested(depth):
    return item(str(depth), nested(depth - 1)) if depth else item("0")


def binary(depth, link="r"):
    below = [[binary(depth - 1, link + side)] if depth else [] for side in "ab"]
    return item(link, *below[0], answered=below[1])


def test_as_deep_as_the_deepest_line(rows):
    found = rows([nested(9), nested(2)], repeat=["item"])
    assert [row["link"] for row in found] == [str(n) for n in range(9, -1, -1)] + ["2", "1", "0"]


def test_a_node_comes_before_those_in_it(rows):
    tree = item("1", item("1.1", item("1.1.1")), item("1.2"), answered=[item("1.a", item("1.a.1"))])
    found = rows([tree], repeat=["item", "answer.item"])
    assert [row["link"] for row in found] == ["1", "1.1", "1.1.1", "1.2", "1.a", "1.a.1"]
    assert [row["place"] for row in found] == [0, 1, 2, 3, 4, 5]


def test_a_path_may_filter(rows):
    tree = item("keep", item("drop", item("keep")), item("keep"))
    found = rows([tree], repeat=["item.where(linkId = 'keep')"])
    assert [row["link"] for row in found] == ["keep", "keep"]


def test_one_within_another(rows):
    inner = {"repeat": ["item"], "column": [{"name": "below", "path": "linkId"}]}
    found = rows([item("1", item("1.1", item("1.1.1")))], repeat=["item"], select=[inner])
    assert [(row["link"], row["below"]) for row in found] == [("1", "1.1"), ("1", "1.1.1"), ("1.1", "1.1.1")]


def test_of_nothing_there_are_no_rows(rows):
    assert rows([], repeat=["item"]) == []


def test_nodes_of_two_types_are_no_rows_of_one_table(rows):
    with pytest.raises(
        WrongUsage, match="repeat would mix QuestionnaireResponseItem with QuestionnaireResponseItemAnswer"
    ):
        rows([item("1")], repeat=["item", "item.answer"])


@pytest.mark.parametrize("lines", [nested(12), binary(6)], ids=["deep", "wide"])
def test_lines_without_end_are_refused(rows, lines):
    with pytest.raises(WrongUsage, match="go deeper than a repeat can follow"):
        rows([lines], repeat=["item", "answer.item"])


@pytest.fixture
def rows(tmp_path):
    """Of a QuestionnaireResponse with those items."""

    def run(items, **select):
        response = {"resourceType": "QuestionnaireResponse", "id": "1", "item": items}
        (tmp_path / "QuestionnaireResponse.ndjson").write_text(json.dumps(response) + "\n")
        columns = [{"name": "link", "path": "linkId"}, {"name": "place", "path": "%rowIndex"}]
        view = definition({"resource": "QuestionnaireResponse", "select": [{"column": columns, **select}]})
        with Engine.open(tmp_path / "spill") as engine:
            return list(engine.rows(run_view(view, tmp_path, "R4", engine)))

    return run
