"""A real Prometheus for the tests: started with a configuration, asked over HTTP, stopped."""

import subprocess
import time
from contextlib import contextmanager

import httpx


class Prometheus:
    """The HTTP API of one."""

    def __init__(self, client):
        self.client = client
        self.problems = []

    def ready(self):
        try:
            return self.client.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def get(self, path, **params):
        answer = self.client.get(f"/api/v1/{path}", params=params).json()
        assert "success" == answer["status"], answer
        return answer["data"]

    def query(self, query):
        """The answer's samples: labels of each as sorted pairs -> value."""
        result = self.get("query", query=query)["result"]
        return {tuple(sorted(r["metric"].items())): float(r["value"][1]) for r in result}

    def value(self, query):
        return self.query(query).get(())

    def exemplars(self, query):
        series = self.get("query_exemplars", query=query, start=0, end=time.time() + 60)
        return [exemplar for one in series for exemplar in one["exemplars"]]

    def scraped(self, requests):
        """Whether every target was read without a fault, and all *requests* are in the store."""
        active = self.get("targets")["activeTargets"]
        self.problems = [target["lastError"] for target in active if target["lastError"]]
        return not self.problems and self.value("sum(llm_gateway_requests_total)") == requests


@contextmanager
def running_prometheus(*, targets, features, home, port, wait_for, token=None):
    """One that scrapes *targets* every two seconds, with *token* as its key."""
    auth = f", authorization: {{credentials: {token}}}" if token else ""
    config = home / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 2s, scrape_timeout: 2s}\n"
        "scrape_configs:\n"
        f"  - {{job_name: gateway, static_configs: [{{targets: {targets}}}]{auth}}}\n"
    )
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={home / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--enable-feature={features}",
            "--log.level=error",
        ]
    )
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False
        ) as client:
            prometheus = Prometheus(client)
            wait_for(prometheus.ready, timeout_s=30)
            yield prometheus
    finally:
        process.terminate()
        process.wait(timeout=20)
