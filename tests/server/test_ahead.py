"""Reading ahead: the next page is asked for before one is looked at, and nothing is left when somebody stops."""

import asyncio
import json
from contextlib import aclosing

import httpx
import pytest

from service.errors import LinkExpired, PagingBroken, Refused, TooMuch
from service.server import search
from service.server.answers import Answer
from service.server.search import pages, pages_ahead

BASE = "http://h.example/fhir"


def bundle(number, following=None, *, link_last=False):
    links = [{"relation": "self", "url": "x"}, *([{"relation": "next", "url": following}] if following else [])]
    entries = [{"resource": {"resourceType": "Claim", "id": f"c{number}"}}]
    parts = {"link": links, "entry": entries} if not link_last else {"entry": entries, "link": links}
    return json.dumps({"resourceType": "Bundle", "type": "searchset", **parts}).encode()


class Server:
    """Claims by four pages; `log` is what was asked and done, in order."""

    base = BASE

    def __init__(self, log, **answers):
        self.log = log
        self.bodies = {n: bundle(n, f"{BASE}?page={n + 1}" if n < 3 else None) for n in range(4)}
        self.bodies |= {int(name[4:]): body for name, body in answers.items()}
        self.running = 0

    async def get(self, url):
        number = int(url.rpartition("=")[2]) if "page=" in url else 0
        self.log.append(f"ask {number}")
        self.running += 1
        try:
            await asyncio.sleep(0.01)
        finally:
            self.running -= 1
        body = self.bodies[number]
        if isinstance(body, list):
            body = body.pop(0) if len(body) > 1 else body[0]
        if isinstance(body, Exception):
            raise body
        return Answer(200, body, httpx.Headers())


@pytest.fixture
def log(monkeypatch):
    """Looking at a page is noted too."""
    found, real = [], search._page

    def page(answer, where):
        made = real(answer, where)
        found.append(f"look {where.rpartition(' ')[2]}")
        return made

    monkeypatch.setattr(search, "_page", page)
    return found


def read(server, how=pages_ahead, stop_at=None):
    """The ids that came; nothing is under way any more afterwards."""

    async def reading():
        ids = []
        async with aclosing(how(server, "Claim", {})) as found:
            async for page in found:
                ids += [json.loads(bytes(each))["id"] for each in page.raw]
                if ids[-1] == stop_at:
                    break
        assert server.running == 0
        assert [each for each in asyncio.all_tasks() if each is not asyncio.current_task()] == []
        return ids

    return asyncio.run(reading())


def test_the_next_is_asked_for_before_one_is_looked_at(log):
    assert read(Server(log)) == ["c0", "c1", "c2", "c3"]
    assert log == ["ask 0", "ask 1", "look 1", "ask 2", "look 2", "ask 3", "look 3", "look 4"]


def test_one_by_one_it_is_asked_for_afterwards(log):
    assert read(Server(log), pages) == ["c0", "c1", "c2", "c3"]
    assert log[:4] == ["ask 0", "look 1", "ask 1", "look 2"]


def test_a_link_behind_the_entries_is_found_when_the_page_is_looked_at(log):
    server = Server(log, page0=bundle(0, f"{BASE}?page=1", link_last=True))
    assert read(server) == ["c0", "c1", "c2", "c3"]
    assert log[:3] == ["ask 0", "look 1", "ask 1"]


def test_who_stops_leaves_nothing_under_way(log):
    assert read(Server(log), stop_at="c1") == ["c0", "c1"]
    assert "ask 3" not in log


def test_a_page_that_came_cut_off_is_asked_for_again(log):
    whole = bundle(1, f"{BASE}?page=2")
    assert read(Server(log, page1=[whole[:-20], whole])) == ["c0", "c1", "c2", "c3"]
    assert log.count("ask 1") == 2


def test_what_looks_like_a_link_in_front_and_is_none_harms_nothing(log):
    odd = json.loads(bundle(0, f"{BASE}?page=1"))
    first = {"resourceType": "Bundle", "link": [{"relation": "next", "url": f"{BASE}?page=3"}]}
    twice = (
        json.dumps(first)[:-1].encode() + b"," + json.dumps({key: odd[key] for key in ("entry", "link")})[1:].encode()
    )
    assert read(Server(log, page0=twice)) == ["c0", "c1", "c2", "c3"], "the last of two counts, as in any JSON"


def test_what_is_nested_without_end_is_told_as_such(log):
    body = b'{"resourceType":"Bundle","more":' + b"[" * 100_000
    with pytest.raises(TooMuch):
        read(Server(log, page1=body))


def test_a_link_that_leads_away_is_not_followed(log):
    server = Server(log, page1=bundle(1, "http://h.example/elsewhere?page=2"))
    with pytest.raises(PagingBroken):
        read(server)
    assert "ask 2" not in log


def test_a_link_that_leads_back_ends_it(log):
    with pytest.raises(PagingBroken):
        read(Server(log, page2=bundle(2, f"{BASE}?page=1")))


def test_a_link_that_lapsed_says_so(log):
    with pytest.raises(LinkExpired):
        read(Server(log, page2=Refused("gone", status=410)))
    assert log[-1] == "look 2"
