from __future__ import annotations

import subprocess
import sys

import pytest

from litellm_obs_plugin.langfuse.choice import Surroundings, choose_mode
from litellm_obs_plugin.langfuse_settings import LangfuseSettings, Mode
from litellm_obs_plugin.settings import SettingsError, read_settings

KEYS = {"public_key": "pk", "secret_key": "sk"}
BESIDE = Surroundings(callbacks={"langfuse"}, public_key="pk", sdk_version="4.18.0")


@pytest.mark.parametrize(
    ("given", "found", "mode", "joins"),
    [
        ({}, Surroundings(), Mode.OFF, False),
        ({"public_key": "pk"}, Surroundings(), Mode.OFF, False),
        (KEYS, Surroundings(), Mode.REPLACE, False),
        (KEYS | {"mode": "off"}, BESIDE, Mode.OFF, False),
        (KEYS | {"mode": False}, BESIDE, Mode.OFF, False),  # `off` in YAML
        (KEYS, BESIDE, Mode.ENRICH, True),
        (KEYS | {"mode": "replace"}, BESIDE, Mode.ENRICH, True),
        (KEYS | {"public_key": "other"}, BESIDE, Mode.REPLACE, False),
        (
            KEYS,
            Surroundings(callbacks={"langfuse_otel"}, public_key="pk"),
            Mode.ENRICH,
            False,
        ),
        (KEYS | {"mode": "enrich"}, Surroundings(), Mode.ENRICH, False),
        ({"mode": "replace"}, Surroundings(), Mode.OFF, False),
    ],
)
def test_the_mode(given, found, mode, joins):
    choice = choose_mode(LangfuseSettings.model_validate(given), found)

    assert (choice.mode, choice.joins) == (mode, joins)
    assert choice.reason


def test_replace_beside_litellms_own_is_refused_and_said():
    choice = choose_mode(LangfuseSettings.model_validate(KEYS | {"mode": "replace"}), BESIDE)

    assert "twice" in choice.warnings[0]


def test_sdk_5_beside_litellms_callback_is_warned_of():
    found = Surroundings(callbacks={"langfuse"}, public_key="pk", sdk_version="5.0.4")

    (warning,) = choose_mode(LangfuseSettings.model_validate(KEYS), found).warnings

    assert "500" in warning


def test_half_of_the_keys_is_warned_of():
    choice = choose_mode(LangfuseSettings(public_key="pk"), Surroundings())

    assert choice.warnings == ("Langfuse is off: no langfuse.secret_key",)


def test_the_usual_variables():
    environ = {
        "LANGFUSE_PUBLIC_KEY": "pk",
        "LANGFUSE_SECRET_KEY": "sk-secret",
        "LANGFUSE_HOST": "langfuse.internal:3000/",
        "LANGFUSE_TRACING_ENVIRONMENT": "Prod",
        "LANGFUSE_RELEASE": "r1",
        "LANGFUSE_SAMPLE_RATE": "0.5",
    }

    found = read_settings({"langfuse": {"release": "r2"}}, environ).langfuse

    assert (found.public_key, found.host) == ("pk", "http://langfuse.internal:3000")
    assert (found.environment, found.release, found.sample_rate) == ("prod", "r2", 0.5)
    assert "sk-secret" not in repr(found)


def test_a_host_with_a_user_and_password():
    """They would stand in links, and take the place of the project's keys."""
    environ = {"LANGFUSE_HOST": "https://me:hunter2@langfuse.internal:3000/base@1/"}

    found = read_settings(None, environ).langfuse

    assert found.host == "https://langfuse.internal:3000/base@1"


def test_the_usual_variables_give_way():
    environ = {"LANGFUSE_PUBLIC_KEY": "pk", "LITELLM_OBS_LANGFUSE__PUBLIC_KEY": "ours"}

    assert read_settings(None, environ).langfuse.public_key == "ours"


def test_tracing_that_is_switched_off():
    assert read_settings(None, {"LANGFUSE_TRACING_ENABLED": "false"}).langfuse.mode is Mode.OFF


@pytest.mark.parametrize(
    ("configured", "environ", "sentence"),
    [
        ({"langfuse": {"mask": "x"}}, {}, "callback_settings.litellm_obs.langfuse.mask: "),
        ({}, {"LANGFUSE_SAMPLE_RATE": "2"}, "LANGFUSE_SAMPLE_RATE: "),
        ({}, {"LANGFUSE_TRACING_ENVIRONMENT": "langfuse-x"}, "LANGFUSE_TRACING_ENVIRONMENT: "),
        ({"langfuse": {"moed": 1}}, {}, "callback_settings.litellm_obs.langfuse.moed: unknown"),
    ],
)
def test_what_is_wrong_is_named(configured, environ, sentence):
    with pytest.raises(SettingsError) as caught:
        read_settings(configured, environ)

    assert str(caught.value).startswith(sentence)


def test_nothing_of_langfuse_loads_before_it_is_on():
    """Neither its SDK nor OpenTelemetry, not even with the whole plugin module."""
    script = (
        "import sys, litellm_obs_plugin, litellm_obs_plugin.langfuse.choice;"
        "print([m for m in ('langfuse', 'opentelemetry', 'litellm') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    assert found.stdout.decode().strip() == "[]"
