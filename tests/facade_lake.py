"""A hospital's lake after one night, its authorization server, and `personalize serve` over it, at random ports."""

import base64
import datetime as dt
import hashlib
import json
import shutil
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlencode
from uuid import uuid4

import httpx
import jwt
import pytest
from jwt import PyJWK

from service.cli import app as cli
from service.facade.server import running as serving
from service.facade.wiring import wired
from service.sandbox import running
from service.server.auth.keys import new_key

NIGHT = "2026-07-01"
MORNING = dt.datetime(2026, 7, 2, 8, tzinfo=dt.UTC)
BASE = "https://w3id.org/fhir-personalization"
BUSY, OTHER = "p03-emergency", "p02-preventive"
PUBLIC = ("kty", "n", "e", "crv", "x", "y", "kid", "alg", "use")


@pytest.fixture(scope="session")
def hospital(tmp_path_factory, planted):
    """(folder, url): a lake with one applied run of the planted patients, marked, each with its profile."""
    folder = tmp_path_factory.mktemp("hospital")
    resources, _ = planted
    with running(patients=0) as sandbox, pytest.MonkeyPatch.context() as patch:
        sandbox.store.load(json.dumps(each).encode() for kind in resources.values() for each in kind)
        (folder / "personalize.toml").write_text(f'[sources.clinic]\nurl = "{sandbox.url}"\n')
        patch.chdir(folder)
        typed(patch, "run", "clinic", "--as-of", NIGHT, "--apply")
        yield folder, sandbox.url


def typed(patch, *words):
    patch.setattr(sys, "argv", ["personalize", *words])
    try:
        cli.main()
    except SystemExit as end:
        assert not end.code, words


@pytest.fixture
def served(hospital, tmp_path):
    """served('auth = "off"') runs the server over a copy of that lake; the answer is a Client."""
    with ExitStack() as servers:

        def serve(toml='auth = "off"', now=lambda: MORNING, source="", tables=""):
            return servers.enter_context(opened(hospital, tmp_path, toml, now, source, tables))

        yield serve


@contextmanager
def opened(hospital, folder, toml, now=lambda: MORNING, source="", tables="", as_of=None):
    """`as_of` moves the day of the profiles, for what goes by a clock that no test can set."""
    lake, url = hospital
    shutil.copytree(lake / "lake", folder / "lake", dirs_exist_ok=True)
    for told in (folder / "lake" / "profiles").glob("*/*/profiles.json") if as_of else ():
        told.write_text(json.dumps(json.loads(told.read_text()) | {"as_of": as_of.isoformat()}))
    text = f'[sources.clinic]\nurl = "{url}"\n{source}\n[serve]\nport = 0\n{toml}\n{tables}'
    (folder / "personalize.toml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        wiring = wired(folder / "lake", None, now)
        with serving(wiring) as served, client(served, wiring) as http:
            yield http


@contextmanager
def client(served, wiring):
    with Client(served.base) as http:
        http.served, http.wiring = served, wiring
        yield http


class Client(httpx.Client):
    """Asks relative to the FHIR base; `bearer` is the token of every request."""

    def __init__(self, base):
        super().__init__(base_url=base, timeout=30)

    @property
    def root(self):
        return str(self.base_url).removesuffix("/fhir/").removesuffix("/fhir")

    def bundle(self, path, **more):
        answer = self.get(path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ids(self, path, **more):
        return [entry["resource"]["id"] for entry in self.bundle(path, **more).get("entry", [])]


class Authority:
    """An authorization server as far as a resource server sees it: keys, and what it says of tokens."""

    def __init__(self, url):
        self.url, self.asked, self.active = url, [], {}
        self.keys = {"RS384": new_key("RS384"), "ES384": new_key("ES384")}

        self.launched, self.answer = [], {}

    def back(self, asked):
        """The browser is sent back with a code, as a person who agrees would be."""
        self.launched.append(asked)
        return f"{asked['redirect_uri']}?{urlencode({'code': 'the-code', 'state': asked['state']})}"

    def exchange(self, form):
        """A token for the code, where PKCE and all else fit the launch; once."""
        asked, digest = self.launched[-1], hashlib.sha256(form["code_verifier"].encode()).digest()
        fits = {
            "grant_type": "authorization_code",
            "code": "the-code",
            "redirect_uri": asked["redirect_uri"],
            "client_id": asked["client_id"],
            "code_verifier": form["code_verifier"],
        }
        challenged = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]
        if form != fits or not challenged:
            return {"error": "invalid_grant"}, 400
        patient = self.answer.get("patient", BUSY)
        granted = self.answer.get("scope", "launch patient/Observation.rs")
        token = self.token(asked["aud"], granted, alg="ES384", patient=patient)
        told = {"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": granted, "patient": patient}
        return {name: value for name, value in (told | self.answer).items() if value is not None}, 200

    @property
    def jwks(self):
        return {"keys": [{k: v for k, v in key.items() if k in PUBLIC} for key in self.keys.values()]}

    def token(self, audience, scope, *, alg="RS384", header=None, key=None, **claims):
        now = int(time.time())
        told = {
            "iss": self.url,
            "aud": audience,
            "sub": "subject",
            "client_id": "app",
            "scope": scope,
            "iat": now,
            "exp": now + 300,
            "jti": uuid4().hex,
            **claims,
        }
        key = key or self.keys[alg if alg in self.keys else "RS384"]
        headers = {"kid": key["kid"], **(header or {})}
        told = {name: value for name, value in told.items() if value is not None}
        return jwt.encode(told, PyJWK({**key, "alg": alg}, algorithm=alg).key, algorithm=alg, headers=headers)

    def settings(self, **more):
        lines = {"issuer": self.url, "jwks_url": f"{self.url}/jwks", **more}
        return "[serve.issuers.main]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())


@pytest.fixture
def authority():
    with authority_running() as running_one:
        yield running_one


@contextmanager
def authority_running():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            one.asked.append(self.path)
            if self.path.startswith("/authorize?"):
                self.send_response(302)
                self.send_header("location", one.back(dict(parse_qsl(self.path.partition("?")[2]))))
                self.end_headers()
            elif self.path == "/moved":
                self.send_response(302)
                self.send_header("location", "/jwks")
                self.end_headers()
            else:
                self._say(one.jwks if self.path == "/jwks" else {}, 200 if self.path == "/jwks" else 404)

        def do_POST(self):
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            one.asked.append((self.path, self.headers.get("authorization"), form))
            if self.path == "/token":
                self._say(*one.exchange({name: value for name, (value,) in form.items()}))
                return
            self._say(one.active.get(form["token"][0], {"active": False}))

        def _say(self, told, status=200):
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.send_header("access-control-allow-origin", "*")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one = Authority(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield one
    server.shutdown()
    server.server_close()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}
