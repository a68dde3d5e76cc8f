"""The spend log in a real PostgreSQL, with the table as LiteLLM's schema makes it."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import litellm.proxy
import psycopg
import pytest
from psycopg.rows import dict_row

from litellm_obs_plugin.host import spend_log

pytestmark = pytest.mark.peers

BIN = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/lib/postgresql/bin"))
COLUMNS = {"String": "text", "Float": "double precision", "Int": "integer", "DateTime": "timestamp"}


def _columns() -> dict[str, str]:
    """The columns of LiteLLM_SpendLogs, from the schema that LiteLLM ships."""
    schema = (Path(litellm.proxy.__path__[0]) / "schema.prisma").read_text()
    body = schema.split("model LiteLLM_SpendLogs {")[1].split("\n}")[0]
    found = re.findall(r"^\s+(\w+)\s+(\w+)\??", body, re.MULTILINE)
    return {name: COLUMNS[kind] for name, kind in found if kind in COLUMNS}


@pytest.fixture(scope="module")
def database(tmp_path_factory, free_port) -> Iterator[psycopg.Connection]:
    directory = tmp_path_factory.mktemp("postgres")
    directory.chmod(0o777)
    for parent in directory.parents[:2]:
        parent.chmod(0o755)
    become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    data, port = directory / "data", free_port()
    quiet = {"stdout": subprocess.DEVNULL, "check": True}
    subprocess.run([*become, BIN / "initdb", "-D", data, "-U", "t", "-A", "trust"], **quiet)
    control = [*become, BIN / "pg_ctl", "-D", data, "-w", "-l", directory / "log"]
    where = f"-p {port} -h 127.0.0.1 -k {directory}"
    subprocess.run([*control, "-o", where, "start"], **quiet)
    try:
        with psycopg.connect(
            host="127.0.0.1", port=port, user="t", dbname="postgres", row_factory=dict_row
        ) as connection:
            columns = ", ".join(f'"{name}" {kind}' for name, kind in _columns().items())
            connection.execute(f'CREATE TABLE "LiteLLM_SpendLogs" ({columns})')
            yield connection
    finally:
        subprocess.run([*control, "-m", "fast", "stop"], **quiet)


@pytest.fixture
def proxy(database, monkeypatch) -> None:
    """A proxy with that database, asked as LiteLLM's client is."""

    async def query_raw(query: str, *values: str):
        numbered = re.sub(r"\$(\d)", r"%s", query)
        return database.execute(numbered, values).fetchall()

    client = SimpleNamespace(db=SimpleNamespace(query_raw=query_raw))
    server = SimpleNamespace(prisma_client=client)
    monkeypatch.setitem(sys.modules, "litellm.proxy.proxy_server", server)


ROWS = [
    ("2026-11-25 23:59:59.999", "gpt-4o", "openai", 0.5),
    ("2026-11-26 00:00:00", "gpt-4o", "openai", 0.25),
    ("2026-11-26 12:00:00", "openai/gpt-4o", "openai", 0.125),
    ("2026-11-26 12:00:00", "", None, 0.0625),
    ("2026-11-26 13:00:00", "gpt-4o", "openai", 0.0),
    ("2026-11-27 00:00:00", "gpt-4o", "openai", 8.0),
    ("2026-11-24 23:59:59", "gpt-4o", "openai", 8.0),
]


def test_spend_by_day_and_model(database, proxy):
    insert = (
        'INSERT INTO "LiteLLM_SpendLogs" ("startTime", model, custom_llm_provider, spend)'
        " VALUES (%s, %s, %s, %s)"
    )
    for row in ROWS:
        database.execute(insert, row)

    found = asyncio.run(spend_log.read_spend(["2026-11-25", "2026-11-26"]))

    assert spend_log.has_database()
    assert found == {
        ("2026-11-25", "gpt-4o"): 0.5,
        ("2026-11-26", "gpt-4o"): 0.375,
        ("2026-11-26", "unknown"): 0.0625,
    }
