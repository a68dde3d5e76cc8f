from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from litellm_obs_plugin.settings import (
    ADMIN_ROLES,
    LedgerSettings,
    Settings,
    SettingsError,
    read_settings,
)

anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["", "x"])),
    lambda part: st.one_of(st.lists(part), st.dictionaries(st.sampled_from("ab1"), part)),
    max_leaves=5,
)


@pytest.mark.parametrize("configured", [None, {}])
def test_every_setting_has_a_default(configured):
    assert Settings() == read_settings(configured, {})
    assert ADMIN_ROLES == Settings().require_role


def test_the_configuration_file():
    found = read_settings({"max_series": 9, "ledger": {"slow_ms": 250}}, {})

    assert Settings(max_series=9, ledger=LedgerSettings(slow_ms=250)) == found


def test_a_variable_wins():
    configured = {"max_series": 9, "ledger": {"slow_ms": 250, "size": 7}}
    environ = {"LITELLM_OBS_MAX_SERIES": "11", "LITELLM_OBS_LEDGER__SIZE": "8"}

    found = read_settings(configured, environ)

    assert Settings(max_series=11, ledger=LedgerSettings(slow_ms=250, size=8)) == found
    assert {"slow_ms": 250, "size": 7} == configured["ledger"]  # the host's own, left alone


def test_a_variable_wins_over_a_section_that_is_none():
    found = read_settings({"ledger": 3}, {"LITELLM_OBS_LEDGER__SIZE": "8"})

    assert LedgerSettings(size=8) == found.ledger


def test_a_section_as_json():
    environ = {"LITELLM_OBS_LEDGER": '{"slow_ms": 250}'}

    assert LedgerSettings(slow_ms=250) == read_settings(None, environ).ledger


@pytest.mark.parametrize("name", ["LITELLM_OBS_STATE_DIR", "LITELLM_OBS_MAX_SERIES"])
def test_an_empty_variable_is_unset(name):
    """As compose files write it for a value that was not given. "" is the current directory."""
    assert Settings() == read_settings(None, {name: ""})


def test_other_variables_are_not_ours():
    environ = {"LITELLM_MASTER_KEY": "sk", "OBS_MAX_SERIES": "1", "PATH": "/bin"}

    assert Settings() == read_settings(None, environ)


@pytest.mark.parametrize("roles", ["a, b", "a,b,", ["a", "b"], ("a", "b"), '["a", "b"]'])
def test_roles(roles):
    """An empty name would let in keys without a role."""
    environ = {"LITELLM_OBS_REQUIRE_ROLE": roles} if isinstance(roles, str) else {}
    configured = {} if isinstance(roles, str) else {"require_role": roles}

    assert ("a", "b") == read_settings(configured, environ).require_role


def test_the_home_directory(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")

    assert Path("/home/ada/state") == read_settings({"state_dir": "~/state"}, {}).state_dir


def test_the_home_of_a_user_who_is_not_there():
    """Left as it is: then the directory cannot be made, and that is told."""
    found = read_settings({"state_dir": "~no-such-user/state"}, {})

    assert Path("~no-such-user/state") == found.state_dir


SECTION = "callback_settings.litellm_obs"
TOP = ", ".join(sorted(Settings.model_fields))


@pytest.mark.parametrize(
    ("configured", "environ", "sentence"),
    [
        ({"max_seris": 1}, {}, f"{SECTION}.max_seris: unknown setting; known are {TOP}"),
        ({1: 1}, {}, f"{SECTION}.1: unknown setting; known are {TOP}"),
        ({"_env_file": "x"}, {}, f"{SECTION}._env_file: unknown setting; known are {TOP}"),
        (
            {"ledger": {"slow": 1}},
            {},
            f"{SECTION}.ledger.slow: unknown setting; known are keep, keep_days, size, slow_ms",
        ),
        ({}, {"LITELLM_OBS_MAX_SERIS": "1"}, "LITELLM_OBS_MAX_SERIS: unknown setting; known are"),
        ({}, {"LITELLM_OBS_": "1"}, "LITELLM_OBS_: unknown setting; known are"),
        (
            {},
            {"LITELLM_OBS_LEDGER__SLOW": "1"},
            "LITELLM_OBS_LEDGER__SLOW: unknown setting; known are keep, keep_days, size, slow_ms",
        ),
        (
            {"max_series": 0},
            {},
            f"{SECTION}.max_series: Input should be greater than or equal to 1, got 0",
        ),
        (
            {"ledger": {"slow_ms": -1}},
            {},
            f"{SECTION}.ledger.slow_ms: Input should be greater than 0, got -1",
        ),
        (
            {"max_series": 3},
            {"LITELLM_OBS_MAX_SERIES": "many"},
            "LITELLM_OBS_MAX_SERIES: Input should be a valid integer, unable to parse string as an "
            "integer, got 'many'",
        ),
        (
            {"max_series": "some"},
            {"LITELLM_OBS_LEDGER__SIZE": "8"},
            f"{SECTION}.max_series: Input should be a valid integer",
        ),
        (
            {},
            {"LITELLM_OBS_MAX_SERIES__X": "7"},
            "LITELLM_OBS_MAX_SERIES__X: Input should be a valid integer, got {'x': '7'}",
        ),
        ({}, {"LITELLM_OBS_LEDGER": "{slow"}, "LITELLM_OBS_LEDGER: expected JSON, got '{slow'"),
        ({}, {"LITELLM_OBS_LEDGER": "slow"}, "LITELLM_OBS_LEDGER: Input should be a valid dict"),
        ([1], {}, f"{SECTION}: expected a mapping, got list"),
        ("on", {}, f"{SECTION}: expected a mapping, got str"),
    ],
)
def test_what_is_wrong_is_told(configured, environ, sentence):
    """Which key, what was expected, what came."""
    with pytest.raises(SettingsError) as caught:
        read_settings(configured, environ)

    assert str(caught.value).startswith(sentence)


@given(
    configured=st.one_of(
        anything, st.dictionaries(st.sampled_from(sorted(Settings.model_fields)), anything)
    ),
    environ=st.dictionaries(
        st.sampled_from(
            [
                f"LITELLM_OBS_{name.upper()}{end}"
                for name in Settings.model_fields
                for end in ("", "__A")
            ]
        ),
        st.sampled_from(["", "1", "x", "[", "{}", "[1]", "null", "~no-such-user/x"]),
    ),
)
def test_nothing_else_is_raised(configured, environ):
    """The proxy logs the sentence; another exception would not name the key."""
    with suppress(SettingsError):
        read_settings(configured, environ)


def test_settings_do_not_change():
    with pytest.raises(ValidationError):
        Settings().max_series = 1
