from __future__ import annotations

import ssl

import pytest

from tests.health.certificate import make_certificate
from tests.health.house import House
from tests.health.upstream import Upstream


@pytest.fixture
def house():
    return House()


@pytest.fixture(autouse=True)
def _no_egress_proxy(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def upstream():
    with Upstream(port=0) as one:
        yield one


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for localhost that only its own file vouches for; and its key."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls_upstream(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, certificate))
    with Upstream(port=0, context=context) as one:
        yield one
