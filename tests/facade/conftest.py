"""What every test of the facade stands on, see facade_lake.py; and none of them may log anything of a patient."""

import pytest
from canary import MARKS, watching
from facade_lake import authority, authority_running, bearer, hospital, opened, served

__all__ = ["authority", "hospital", "served"]

pytest_runtest_makereport = watching(MARKS)


@pytest.fixture(scope="module")
def guarded(hospital, tmp_path_factory):
    with authority_running() as authority:
        settings = authority.settings(
            authorization_endpoint=f"{authority.url}/authorize", token_endpoint=f"{authority.url}/token"
        )
        folder = tmp_path_factory.mktemp("access")
        toml = 'reports = ["visits"]\nrequests_per_minute = 100000'
        with opened(hospital, folder, toml, tables=settings) as http:
            yield http, authority


@pytest.fixture
def http(guarded):
    """Of a server that asks for tokens."""
    return guarded[0]


@pytest.fixture
def issuer(guarded):
    """Of these tokens."""
    return guarded[1]


@pytest.fixture
def token(http, issuer):
    """token(scope, ...) is one for our base."""
    return lambda scope, **more: issuer.token(http.served.base, scope, **{"alg": "ES384", **more})


@pytest.fixture(scope="module")
def panels(guarded):
    """The panel's id of each patient."""
    http, authority = guarded
    mine = bearer(authority.token(http.served.base, "system/*.cruds", alg="ES384"))
    bundle = http.bundle("Observation?_count=200", headers=mine)
    return {each["resource"]["subject"]["reference"][8:]: each["resource"]["id"] for each in bundle["entry"]}
