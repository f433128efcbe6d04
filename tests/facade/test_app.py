"""The app page in a real browser: launched from an EHR and by itself, and what it refuses to do."""

import datetime as dt
from urllib.parse import quote

import chromium
import httpx
import pytest
from facade_lake import BUSY, OTHER, authority_running, opened
from required import require


@pytest.fixture(scope="module")
def house(hospital, tmp_path_factory):
    require(chromium.lacking(), "the app page")
    with authority_running() as authority:
        issuer = authority.settings(
            authorization_endpoint=f"{authority.url}/authorize", token_endpoint=f"{authority.url}/token"
        )
        now = lambda: dt.datetime.now(dt.UTC)  # noqa: E731 - the page goes by the browser's clock
        toml = 'app_client_id = "page"\norigins = ["https://ehr.example.org"]\nrequests_per_minute = 100000'
        with opened(hospital, tmp_path_factory.mktemp("app"), toml, tables=issuer, now=now, as_of=now()) as http:
            yield House(http, authority, tmp_path_factory.mktemp("browser"))


class House:
    def __init__(self, http, authority, folder):
        self.http, self.authority, self.folder = http, authority, folder

    def screen(self, path, **answer):
        """The page as it stands in the end, after the browser went where it was sent; its words, and what was asked."""
        self.authority.launched.clear()
        self.authority.asked.clear()
        self.authority.answer = answer
        return chromium.screen(f"{self.http.root}/app{path}", self.folder)

    @property
    def tokens_asked_for(self):
        return [each for each in self.authority.asked if each[0] == "/token"]


@pytest.fixture
def launch(house):
    """From the EHR: our own base, and its context."""
    return f"/launch?iss={quote(house.http.served.base)}&launch=the-context"


def test_launched_from_an_ehr_it_shows_the_patients_profile_on_one_screen(house, launch):
    screen = house.screen(launch)
    (asked,) = house.authority.launched
    assert asked["launch"] == "the-context" and asked["scope"] == "launch patient/Observation.rs"
    assert asked["aud"] == house.http.served.base and asked["response_type"] == "code"
    assert asked["redirect_uri"] == f"{house.http.root}/app/" and asked["client_id"] == "page"
    assert asked["code_challenge_method"] == "S256" and len(asked["state"]) == len(asked["code_challenge"]) == 43
    assert len(house.tokens_asked_for) == 1
    assert screen.text("patient") == f"Patient {BUSY}"
    assert screen.text("said") == "Care level: Intensive"
    assert screen.text("pathways") == "Preferred scheduling||Proactive outreach"
    assert screen.text("reasons").split("||")[0] == "Emergency visits, last year: 4"
    assert "none recorded" in screen.text("reasons")
    assert "Emergency visits" in screen.text("measures") and "not known" in screen.text("measures")
    assert "the-code" not in screen.dom


def test_launched_by_itself_it_asks_for_a_patient(house):
    screen = house.screen("/launch", patient=OTHER)
    (asked,) = house.authority.launched
    assert "launch" not in asked and asked["scope"] == "launch/patient patient/Observation.rs"
    assert asked["aud"] == house.http.served.base
    assert screen.text("said") == "Care level: Standard"


def test_each_launch_has_words_of_its_own(house, launch):
    seen = set()
    for _ in range(2):
        house.screen(launch)
        seen |= {house.authority.launched[0]["state"], house.authority.launched[0]["code_challenge"]}
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"patient": None}, "No patient is chosen. Open the app from a patient, or choose one."),
        ({"scope": "launch patient/Patient.rs"}, "The token does not let this app read the profile."),
        ({"token_type": "mac"}, "The token is of a kind that is not known here."),
        ({"patient": "nobody"}, "No profile counts for this patient today."),
        ({"access_token": "wrong"}, "The server did not give the profile (401)."),
    ],
)
def test_what_is_lacking_is_told(house, launch, answer, said):
    screen = house.screen(launch, **answer)
    assert screen.text("said") == said
    assert screen.text("measures") == ""


def test_the_banner_of_the_patient_is_left_out_where_the_ehr_has_its_own(house, launch):
    assert house.screen(launch, need_patient_banner=False).text("patient") == ""
    assert house.screen(launch, need_patient_banner=True).text("patient") == f"Patient {BUSY}"


def test_a_server_that_is_not_known_is_never_asked(house):
    with authority_running() as hostile:
        screen = house.screen(f"/launch?iss={quote(hostile.url)}&launch=x")
        assert screen.text("said") == "The launch names a server that this app does not know."
        assert hostile.asked == house.authority.launched == []


@pytest.mark.parametrize("query", ["?iss=BASE", "?launch=x"])
def test_a_launch_without_its_other_half_is_the_end(house, query):
    screen = house.screen("/launch" + query.replace("BASE", quote(house.http.served.base)))
    assert "without a context, or the other way round" in screen.text("said")
    assert house.authority.launched == []


@pytest.mark.parametrize("query", ["?code=the-code&state=foreign", "?code=the-code&state="])
def test_a_return_that_was_not_begun_here_asks_for_no_token(house, query):
    house.screen("/" + query)
    assert house.tokens_asked_for == []


def test_an_error_that_comes_back_is_shown_as_text(house):
    attack = "<img src=x onerror=document.title='taken'><script>document.title='taken'</script>"
    screen = house.screen(f"/?error=access_denied&error_description={quote(attack)}&state=x")
    assert screen.text("said") == f"The authorization server refused: {attack}"
    assert "<img" not in screen.dom and "<title>Personalization profile</title>" in screen.dom
    assert house.tokens_asked_for == []


def test_the_pages_let_nothing_foreign_run(house):
    for path in ("/app/launch", "/app/"):
        page = httpx.get(house.http.root + path)
        assert page.status_code == 200 and "<script>" not in page.text and "onclick" not in page.text
        policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'"
        assert policy["connect-src"] == f"'self' {house.authority.url}"
        assert policy["frame-ancestors"] == "'self' https://ehr.example.org"
        assert "set-cookie" not in page.headers
    assert httpx.get(f"{house.http.root}/app/routes.py").status_code == 404
    assert httpx.get(f"{house.http.root}/app/..%2f..%2fsettings.py").status_code == 404


def test_without_a_client_id_there_is_no_app(served):
    http = served()
    for path in ("/app/launch", "/app/", "/app/settings.json", "/app/show.js"):
        assert httpx.get(http.root + path).status_code == 404
