"""The dashboard in a frame of LiteLLM's own UI: a claim that LiteLLM signed opens it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dashboard_app.claims import plugin_key
from tests.proxy.browsing import ask, dashboard_of

pytestmark = [pytest.mark.proxy, pytest.mark.peers]

SALT, NAME = "salt-of-the-proxy", "llm-obs"
# As LiteLLM's UI does it: the claim is posted when the frame has loaded.
UI = """<!doctype html><iframe src="DASHBOARD/" style="width:1200px;height:900px"></iframe><script>
const frame = document.querySelector("iframe");
frame.addEventListener("load", () => frame.contentWindow.postMessage(
  {type: "litellm-auth", session_claim: "CLAIM"}, "DASHBOARD"));
</script>"""


class Ui:
    """A server of one page, at an origin of its own."""

    def __init__(self):
        ui = self
        ui.page = ""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(ui.page.encode())

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def show(self, dashboard, claim):
        self.page = UI.replace("DASHBOARD", dashboard).replace("CLAIM", claim)

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def uis():
    """LiteLLM's UI, and a stranger's page."""
    both = Ui(), Ui()
    yield both
    for one in both:
        one.close()


@pytest.fixture(scope="module")
def url(gateway, uis, tmp_path_factory, free_port, wait_for):
    with dashboard_of(
        gateway.server.url,
        port=free_port(),
        log=tmp_path_factory.mktemp("dashboard-entry") / "log",
        wait_for=wait_for,
        arguments=("--frame-ancestor", uis[0].url),
        env={"GATEWAY_DASHBOARD_PLUGIN_KEY": plugin_key(SALT, NAME)},
    ) as server:
        yield server.url


@pytest.fixture
def sign(monkeypatch):
    from litellm.proxy.plugin_routes import issue_plugin_session_claim

    monkeypatch.setenv("LITELLM_SALT_KEY", SALT)
    return lambda role: issue_plugin_session_claim(NAME, "ada", role)


def test_an_admin_comes_in_without_a_second_login(gateway, visits, uis, url, sign):
    ask(gateway)
    uis[0].show(url, sign("proxy_admin"))
    page = visits.blank()
    page.goto(uis[0].url)

    page.frame_locator("iframe").locator("#live.shown").wait_for()
    alone = page.context.new_page()
    alone.goto(url)
    alone.locator("#live.shown").wait_for()


def test_others_stay_outside(visits, uis, url, sign):
    """
    A user who is no admin; a page that nobody allowed to frame it; a message of another origin.
    """
    uis[0].show(url, sign("internal_user"))
    page = visits.blank()
    page.goto(uis[0].url)
    page.frame_locator("iframe").get_by_text("was not accepted").wait_for()

    good = sign("proxy_admin")
    uis[1].show(url, good)
    page.goto(uis[1].url)
    assert 0 == page.frame_locator("iframe").locator("#said").count()

    page.goto(url)
    asked = []
    page.on("request", lambda r: asked.append(r.method))
    page.evaluate("c => postMessage({type: 'litellm-auth', session_claim: c}, '*')", good)
    page.evaluate("new Promise(done => setTimeout(done))")
    page.get_by_text("Open this page from its entry").wait_for()
    assert "POST" not in asked
