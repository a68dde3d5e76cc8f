"""Health through the real proxy: providers in every trouble at once, and what is said of each."""

from __future__ import annotations

import shutil
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    response_schema_conformance,
    status_code_conformance,
)

from tests.health.certificate import make_certificate
from tests.health.schema import check
from tests.health.upstream import Upstream
from tests.proxy.server import AUTH, Server, simulated, start_proxy

pytestmark = pytest.mark.proxy

# A round lasts two timeouts at most, as a failed probe is made twice: two intervals hold both.
INTERVAL_S, TIMEOUT_S = 3.0, 1.0
SLOW_S = 0.3
ROOT = Path(__file__).parent.parent.parent
ADMIN, USER = ({"authorization": f"Bearer sk-{role}"} for role in ("admin", "user"))


@dataclass(frozen=True)
class Trouble:
    """What happens to a provider (*mood* at the simulator, or its address) and what is said."""

    provider: str
    finding: str
    status: str
    mood: dict[str, str | int | float] | None = None
    base: str = "SIMULATOR/{provider}/v1"


WELL = Trouble("openai", "ok", "healthy")
SLOW = Trouble("mistral", "ok", "healthy", {"delay_s": SLOW_S})
TROUBLES = [
    WELL,
    SLOW,
    Trouble("groq", "server_error", "unhealthy", {"status": 500}),
    Trouble("xai", "server_error", "unhealthy", {"status": 503}),
    Trouble("deepseek", "auth", "unhealthy", {"status": 401}),
    Trouble("perplexity", "rate_limit", "degraded", {"status": 429}),
    Trouble("together_ai", "timeout", "unhealthy", {"delay_s": 30}),
    Trouble("hosted_vllm", "dns", "unhealthy", base="http://nowhere.invalid:LATE/v1"),
    Trouble("fireworks_ai", "tls", "unhealthy", base="https://127.0.0.1:SECURED/v1"),
    Trouble("openrouter", "connection", "unhealthy", base="http://127.0.0.1:LATE/v1"),
]
# A resolver's answer changes while the proxy runs, which no test can ask of the system's own.
RESOLVER = """
import socket
from pathlib import Path
_resolve, _known = socket.getaddrinfo, Path(__file__).with_name("resolves")
def getaddrinfo(host, *arguments, **named):
    late = host in ("nowhere.invalid", b"nowhere.invalid") and _known.exists()
    return _resolve("127.0.0.1" if late else host, *arguments, **named)
socket.getaddrinfo = getaddrinfo
"""
PASSING = [one for one in TROUBLES if one.mood is not None]


class House:
    """A proxy in front of *simulator*; *late* is a port where nothing listens at first.

    At *secured* one answers without TLS until :meth:`mend`.
    """

    def __init__(self, *, directory: Path, late: int, secured: Upstream) -> None:
        self.directory, self.late = directory, late
        self._bundle = make_certificate(directory)
        self._secured, self._mended = secured, ExitStack()

    def meet(self, proxy: Server, simulator: Server) -> None:
        self.proxy = proxy
        self.client = httpx.Client(base_url=proxy.url, timeout=30, trust_env=False)
        self.simulator = httpx.Client(base_url=simulator.url, timeout=20, trust_env=False)

    def mend(self) -> list[Upstream]:
        """The name resolves, somebody listens, TLS works: those who then answer."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, self._bundle))
        self._secured.__exit__()
        (self.directory / "resolves").touch()
        answering = [
            Upstream(port=self.late),
            Upstream(port=self._secured.port, context=context),
        ]
        return [self._mended.enter_context(one) for one in answering]

    def close(self) -> None:
        self.client.close()
        self.simulator.close()
        self._mended.close()

    def report(self, **query: str) -> dict:
        return check(self.client.get("/health/gateway", headers=ADMIN, params=query).content)

    def provider(self, name: str) -> dict:
        return self.report()["components"]["providers"][name]

    def set_mood(self, provider: str, **mood: str | int | float) -> None:
        self.simulator.post(f"/_sim/models/{provider}", params=mood).raise_for_status()

    def ill(self) -> dict[str, str]:
        """What is said of the providers that are not healthy."""
        found = self.report()["components"]["providers"]
        return {name: one["message"] for name, one in found.items() if one["status"] != "healthy"}

    def asked(self) -> dict[str, int]:
        """How often each path of the simulator was called, by its own count."""
        found: dict[str, int] = {}
        for row in self.simulator.get("/_sim/totals").json()["by"]:
            found[row["path"]] = found.get(row["path"], 0) + row["calls"]
        return found


def config_of(simulator: str, *, late: int, secured: int, bundle: Path) -> dict:
    places = {"SIMULATOR": simulator, "LATE": str(late), "SECURED": str(secured)}

    def entry(one: Trouble) -> dict:
        base = one.base.format(provider=one.provider)
        for name, url in places.items():
            base = base.replace(name, url)
        called = {"model": f"{one.provider}/m-1", "api_base": base, "api_key": "simulated"}
        if one.finding == "tls":
            called["ssl_verify"] = str(bundle)
        return {
            "model_name": f"group-{one.provider}",
            "litellm_params": called,
            "model_info": {"id": f"dep-{one.provider}"},
        }

    return {
        "model_list": [entry(one) for one in TROUBLES],
        "litellm_settings": {"callbacks": ["litellm_obs_plugin.proxy_callback"]},
        "callback_settings": {
            "litellm_obs": {
                "replace_health": True,
                "health": {
                    "interval_s": INTERVAL_S,
                    "timeout_s": TIMEOUT_S,
                    "probe": "authenticated",
                },
            }
        },
        "general_settings": {
            "master_key": "os.environ/LITELLM_MASTER_KEY",
            "custom_auth": "custom_auth.authenticate",
            "disable_model_info_refresh": True,
        },
    }


@pytest.fixture(scope="module")
def house(tmp_path_factory, free_port, wait_for) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("health")
    shutil.copy(Path(__file__).with_name("custom_auth.py"), directory / "custom_auth.py")
    (directory / "sitecustomize.py").write_text(RESOLVER)
    with Upstream(port=0, speaks_first=True) as insecure:
        house = House(directory=directory, late=free_port(), secured=insecure)
        ports = {"late": house.late, "secured": insecure.port}
        with simulated(
            partial(config_of, **ports, bundle=directory / "cert.pem"),
            directory=directory,
            free_port=free_port,
            wait_for=wait_for,
            env={"PYTHONPATH": f"{directory}:{ROOT}"},
        ) as running:
            house.meet(*running)
            yield house
            house.close()


def finding(provider: dict) -> str | None:
    (deployment,) = provider["deployments"]
    return deployment.get("signals", {}).get("probe", {}).get("finding")


@pytest.fixture(scope="module")
def troubled(house, wait_for) -> Iterator[dict[str, tuple[dict, float]]]:
    """What is said of each provider in its trouble, and the seconds until it was said."""
    wait_for(lambda: "dep-openai" in str(house.report()), timeout_s=60)
    wait_for(lambda: finding(house.provider("mistral")) == "ok", timeout_s=60)
    begun = time.time()
    for one in PASSING:
        house.set_mood(one.provider, **one.mood)
    said: dict[str, tuple[dict, float]] = {}

    def all_said() -> bool:
        providers = house.report()["components"]["providers"]
        for one in TROUBLES:
            found = providers[one.provider]
            slow = one is not SLOW or found.get("latency", 0) >= SLOW_S * 1000
            if finding(found) == one.finding and slow and one.provider not in said:
                said[one.provider] = (found, time.time() - begun)
        return len(said) == len(TROUBLES)

    wait_for(all_said, timeout_s=60)
    yield said
    house.simulator.post("/_sim/reset")


@pytest.mark.parametrize("one", TROUBLES, ids=lambda one: f"{one.provider}-{one.finding}")
def test_a_provider_in_trouble(troubled, one):
    """The right verdict within two intervals."""
    found, after_s = troubled[one.provider]

    assert one.status == found["status"], found["message"]
    assert (found["message"] == "no signal yet") is False
    assert after_s < 2 * INTERVAL_S


def test_the_latency_is_the_injected_one(house, troubled, wait_for):
    """A busy machine adds to some rounds; one of them is right, and none is too short."""
    seen = set()

    def right() -> bool:
        seen.add(house.provider(SLOW.provider)["latency"])
        return min(seen) < SLOW_S * 1000 + 20

    wait_for(right, timeout_s=60)
    assert min(seen) >= SLOW_S * 1000 - 1


def test_a_provider_outage_takes_no_pod_out(house, troubled):
    """Some group can be served: 200, degraded. Ready is about this process alone."""
    answer = house.client.get("/health/gateway", headers=ADMIN)
    ready = house.client.get("/health/gateway", headers=ADMIN, params={"ready": "1"})

    assert (200, "degraded") == (answer.status_code, answer.json()["status"])
    assert 200 == ready.status_code


def test_others_see_statuses_alone(house, troubled):
    """No address, no error text, no deployment; and they may not start probes."""
    answer = house.client.get("/health/gateway", headers=USER)
    report = check(answer.content)

    assert {"status": "unhealthy"} == report["components"]["providers"]["groq"]
    for hidden in ("127.0.0.1", "invalid", "dep-", "http", "refused"):
        assert hidden not in answer.text
    asked = house.client.get("/health/gateway", headers=USER, params={"probe": "now"})
    assert 403 == asked.status_code


def test_health_itself_is_ours(house, troubled):
    """The keys of LiteLLM's own answer, filled without its paid calls."""
    report = house.client.get("/health", headers=ADMIN).json()

    unhealthy = [one for one in TROUBLES if one.status == "unhealthy"]
    assert len(unhealthy) == report["unhealthy_count"]
    assert len(TROUBLES) == report["unhealthy_count"] + report["healthy_count"]


def test_a_thousand_questions_start_no_probe(house, troubled, wait_for):
    """Rounds go on by the clock alone: the simulator counts as many as the time allows."""
    before, begun_s = house.asked(), time.monotonic()
    for _ in range(1000):
        assert house.client.get("/health/gateway", headers=ADMIN).status_code == 200
    lasted_s = time.monotonic() - begun_s
    rounds = lasted_s / (INTERVAL_S * 0.8) + 1

    asked = {path: n - before.get(path, 0) for path, n in house.asked().items()}
    assert {"/v1/models"} == set(asked)
    assert asked["/v1/models"] <= rounds * 2 * len(TROUBLES)


def our_schema(house: House) -> dict:
    """The part of the proxy's own OpenAPI that is ours and answers with one JSON."""
    whole = house.client.get("/openapi.json", headers=ADMIN).json()
    whole["paths"] = {
        path: {"get": operations["get"]}
        for path, operations in whole["paths"].items()
        if "observability" in operations.get("get", {}).get("tags", ())
        and not path.endswith("/stream")
    }
    return whole


def test_no_question_breaks_it(house, troubled):
    """Whatever the schema allows is asked: no 5xx, and every answer is one that it promises."""
    schema = schemathesis.openapi.from_dict(our_schema(house))
    operations = [found.ok() for found in schema.get_all_operations()]
    asked = dict.fromkeys((one.label for one in operations), 0)
    checks = [not_a_server_error, status_code_conformance, response_schema_conformance]

    def ask_all(operation) -> None:
        @settings(
            max_examples=15,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case) -> None:
            asked[operation.label] += 1
            case.headers = ADMIN
            answer = case.call(base_url=house.proxy.url, timeout=60)
            case.validate_response(answer, checks=checks)

        ask()

    for one in operations:
        ask_all(one)
    assert {"GET /health/gateway", "GET /api/gateway/metrics", "GET /api/gateway/slo"} <= set(asked)
    assert min(asked.values()) > 0


def test_all_down_and_well_again(house, troubled, wait_for):
    """Unhealthy, yet this process is ready; and all are well within two intervals of the end."""
    for one in TROUBLES:
        house.set_mood(one.provider, status=500)
    wait_for(lambda: house.report()["status"] == "unhealthy", timeout_s=60)
    assert 503 == house.client.get("/health/gateway", headers=ADMIN).status_code
    ready = house.client.get("/health/gateway", headers=ADMIN, params={"ready": "1"})
    assert 200 == ready.status_code

    answering = house.mend()
    house.simulator.post("/_sim/reset")
    begun = time.time()
    try:
        wait_for(lambda: not house.ill(), timeout_s=30)
    except AssertionError:
        pytest.fail(f"{house.ill()}")
    assert time.time() - begun < 2 * INTERVAL_S
    assert {finding(house.provider(one.provider)) for one in TROUBLES} == {"ok"}
    heads = [head.partition(" HTTP")[0] for one in answering for head in one.seen]
    assert {"GET /v1/models"} == set(heads)


def test_no_llm_call_was_made(house, troubled):
    """By the simulator's own count: lists of models, and nothing else."""
    house.report(probe="now")

    assert {"/v1/models"} == set(house.asked())


def test_without_a_model_it_is_not_ready(tmp_path, free_port, wait_for):
    """This process itself cannot serve: 503, and in words why."""
    config = config_of("", late=0, secured=0, bundle=tmp_path)
    del config["general_settings"]["custom_auth"]
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({**config, "model_list": []}))
    with start_proxy(
        config=path,
        port=free_port(),
        state_dir=tmp_path / "state",
        log=tmp_path / "log",
        wait_for=wait_for,
    ) as proxy:
        url = f"{proxy.url}/health/gateway"
        answer = httpx.get(url, headers=AUTH, params={"ready": "1"}, timeout=30)
        alive = httpx.get(f"{proxy.url}/health/liveliness", timeout=30)

    assert (503, 200) == (answer.status_code, alive.status_code)
    host = check(answer.content)["components"]["host"]
    assert ("unhealthy", True) == (host["status"], "no model is configured" in host["message"])
