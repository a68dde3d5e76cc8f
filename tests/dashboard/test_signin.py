"""Who gets in: by a password, by an OpenID Connect provider, by a claim; and who does not."""

import base64
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from bokeh.util.token import generate_jwt_token, generate_session_id
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from dashboard_app.claims import plugin_key
from dashboard_app.config import Config
from dashboard_app.oauth import OAuth
from dashboard_app.store import Store
from tests.dashboard.fake_gateway import FakeGateway
from tests.dashboard.serving import PATIENCE_S, serving
from tests.dashboard.test_claims import sign

GATEWAY_UI = "https://gateway.example"
SECRET = "hush"
IN = 'id="live"'


class Provider(BaseHTTPRequestHandler):
    """An OpenID Connect provider where everybody is signed in as the server's *email*."""

    def do_GET(self):
        asked = {name: one[0] for name, one in parse_qs(urlsplit(self.path).query).items()}
        self.server.asked.append(asked)
        back = urlencode({"code": "c-1", "state": asked["state"]})
        self.send_response(302)
        self.send_header("Location", f"{asked['redirect_uri']}?{back}")
        self.end_headers()

    def do_POST(self):
        told = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        good = (["c-1"], [SECRET]) == (told.get("code"), told.get("client_secret"))
        parts = ({"alg": "none"}, {"email": self.server.email}, "")
        token = ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode() for p in parts)
        body = json.dumps({"access_token": "a-1", "id_token": token} if good else {"error": "no"})
        self.send_response(200 if good else 401)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


@contextmanager
def provider(email):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.email, server.asked = email, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def config(free_port):
    return Config(gateway_url="http://127.0.0.1:1", port=free_port(), cookie_secret="s" * 32)


@pytest.fixture
def store():
    return Store(FakeGateway())


@pytest.fixture
def visitor():
    with httpx.Client(timeout=PATIENCE_S, follow_redirects=True, trust_env=False) as client:
        yield client


def open_socket(url, *, origin, cookies=None):
    """The answer's status when the socket is refused, else 101."""
    cookie = "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())
    page = httpx.get(url, headers={"Cookie": cookie}, timeout=PATIENCE_S, trust_env=False)
    token = page.text.partition('"token":"')[2].partition('"')[0] or _made_up()
    address = url.replace("http", "ws") + "/ws"
    headers = {"Cookie": cookie} if cookie else {}
    try:
        with connect(
            address, origin=origin, subprotocols=["bokeh", token], additional_headers=headers
        ):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def _made_up():
    return generate_jwt_token(generate_session_id())


def test_a_socket_is_refused_to_another_origin(config, store):
    with serving(config, store) as url:
        assert 101 == open_socket(url, origin=url)
        assert 403 == open_socket(url, origin="http://evil.example")


def test_a_socket_is_refused_to_who_is_not_signed_in(config, store, visitor):
    with serving(replace(config, password="open"), store) as url:
        assert open_socket(url, origin=url) in {401, 403}
        visitor.post(f"{url}/login", data={"username": "ada", "password": "open"})
        assert 101 == open_socket(url, origin=url, cookies=visitor.cookies)


def test_a_password(config, store, visitor):
    with serving(replace(config, password="open", prefix="/gw"), store) as url:
        assert 'type="password"' in visitor.get(f"{url}/").text
        wrong = visitor.post(f"{url}/login", data={"username": "ada", "password": "shut"})
        assert IN not in wrong.text
        right = visitor.post(f"{url}/login", data={"username": "ada", "password": "open"})
        assert IN in right.text
        visitor.get(f"{url}/logout")
        assert IN not in visitor.get(f"{url}/").text


@pytest.mark.parametrize(("email", "status"), [("ada@here.example", 200), ("x@else.example", 403)])
def test_a_provider_says_who_it_is_and_the_list_who_may(config, store, visitor, email, status):
    with provider(email) as there:
        base = f"http://127.0.0.1:{there.server_port}"
        oauth = OAuth(
            key="client-1",
            secret=SECRET,
            authorize_url=f"{base}/authorize",
            token_url=f"{base}/token",
            users=("@here.example",),
        )
        with serving(replace(config, oauth=oauth), store) as url:
            page = visitor.get(url)
            assert (status, status == 200) == (page.status_code, IN in page.text)
            assert (status == 200) == (open_socket(url, origin=url, cookies=visitor.cookies) == 101)
    assert ("client-1", "code") == (there.asked[0]["client_id"], there.asked[0]["response_type"])
    assert SECRET not in json.dumps(there.asked)


class TestClaim:
    @pytest.fixture
    def url(self, config, store):
        guarded = replace(
            config, plugin_key=plugin_key("salt", "llm-obs"), frame_ancestors=(GATEWAY_UI,)
        )
        with serving(guarded, store) as url:
            yield url

    def trade(self, visitor, url, claim, *, parent=GATEWAY_UI, origin=None):
        told = {"claim": claim, "origin": parent}
        return visitor.post(f"{url}/claim", json=told, headers={"Origin": origin or url})

    def test_a_good_one_opens_the_page_once(self, visitor, url):
        now = time.time()
        waiting = visitor.get(url)
        assert waiting.url.path.endswith("/claim")
        assert GATEWAY_UI in waiting.text
        claim = sign(at=now)

        answer = self.trade(visitor, url, claim)

        assert 204 == answer.status_code
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert IN in visitor.get(url).text
        assert 101 == open_socket(url, origin=url, cookies=visitor.cookies)
        assert 403 == self.trade(visitor, url, claim).status_code

    def test_others_do_not(self, visitor, url):
        now = time.time()
        good = sign(at=now)
        refused = [
            self.trade(visitor, url, sign(at=now, key=plugin_key("other", "llm-obs"))),
            self.trade(visitor, url, sign(at=now - 40)),
            self.trade(visitor, url, sign(at=now, user_role="internal_user")),
            self.trade(visitor, url, good, parent="https://evil.example"),
            self.trade(visitor, url, good, origin="https://evil.example"),
        ]

        assert {403} == {answer.status_code for answer in refused}
        assert 400 == visitor.post(f"{url}/claim", content="[]").status_code
        assert IN not in visitor.get(f"{url}/").text
        assert open_socket(url, origin=url) in {401, 403}
