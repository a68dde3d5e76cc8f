"""Tables for spreadsheets: nothing in them runs."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.gateway_api.query import MetricsQuery
from litellm_obs_plugin.gateway_api.table import write_history, write_table
from litellm_obs_plugin.gateway_api.window import Surroundings, build_window
from litellm_obs_plugin.ledger.table import REQUEST_COLUMNS, list_rows


def read(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode(), newline="")))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "=1", '=HYPERLINK("x")']
)
def test_no_text_is_a_formula(text):
    _, (cell,) = read(write_table(["name"], [[text]]))

    assert "'" + text == cell


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_every_cell_starts_harmless_and_stays_in_its_place(texts):
    header, row = read(write_table(["n"] * len(texts), [texts]))

    assert len(texts) == len(header) == len(row)
    for text, cell in zip(texts, row, strict=True):
        assert cell.lstrip()[:1] not in ("=", "+", "-", "@")
        assert cell.removeprefix("'") in (text.replace("\x00", ""), "", text[1:])


def test_numbers_stay_numbers():
    assert ["-0.5", "", "true", "3"] == read(write_table("abcd", [[-0.5, None, True, 3]]))[1]


def test_a_history_names_its_units(house):
    house.recorder.count("attempts_total", "chat", "openai", "=cmd", "success", "")
    house.count(0.5, 0.5)
    house.sleep(10)
    house.write()
    around = Surroundings(circuit_changes=(), providers={})
    query = MetricsQuery(window_s=60.0, step_s=10)
    history = build_window(house.fleet.read(), house.archive, query, around).history

    header, *rows = read(write_history(history))

    assert len(history.t) == len(rows)
    assert {"time", "requests", "p95_ms", "cost_usd", "by_model[=cmd].p95_ms"} <= set(header)
    requests = [row[header.index("requests")] for row in rows]
    assert "2.0" in requests
    assert "" in requests  # a gap
    assert all(row[0].endswith("Z") for row in rows)


def test_a_request_in_one_row():
    entry = {"id": "a", "time": "2026-01-31T12:00:00Z", "error": None, "latency": {"totalMs": 5.5}}

    (row,) = list_rows([entry], REQUEST_COLUMNS)
    found = dict(zip(REQUEST_COLUMNS, row, strict=True))

    assert ("a", 5.5, None) == (found["id"], found["total_ms"], found["error_type"])
