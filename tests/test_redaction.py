from __future__ import annotations

import base64
import time

import pytest

from litellm_obs_plugin.redaction import hide_secrets

SECRET = "4f2a9c77Zq1x"
BASE64 = base64.b64encode(b"pk-lf-1234-5678:sk-lf-1234-5678-90ab-cdef").decode()


@pytest.mark.parametrize(
    "text",
    [
        f"Incorrect API key provided: sk-proj-{SECRET}. You can find",
        f"Incorrect API key provided: {SECRET}",
        f"header was Bearer {SECRET}.xyz",
        f"{{'Authorization': 'Bearer {SECRET}'}}",
        f'"authorization": "{SECRET}"',
        f"api_key='{SECRET}'",
        f"api-key {SECRET} is wrong",
        f"X-API-KEY: {SECRET}",
        f'{{"password": "{SECRET}"}}',
        f"AWS_SECRET_ACCESS_KEY={SECRET}",
        f"aws_session_token={SECRET}",
        f"client_secret={SECRET}&grant_type=x",
        f"POST https://me:{SECRET}@host.internal/v1 failed",
        f"GET https://host/v1/models?alt=sse&key={SECRET}",
        f"https://host/x?sig={SECRET}",
        f"AIza{SECRET}",
        f"AKIA{SECRET}",
        f"gsk_{SECRET}",
        f"ghp_{SECRET}",
        f"eyJhbGci.{SECRET}.sig",
        f"Basic {base64.b64encode(SECRET.encode()).decode()}",
        base64.b64encode(f"sk-{SECRET}".encode()).decode(),
        f"what came was {BASE64}",
    ],
)
def test_a_secret_is_hidden(text):
    found = hide_secrets(text)

    assert SECRET not in found
    assert base64.b64encode(SECRET.encode()).decode() not in found
    assert BASE64 not in found
    assert "***" in found


@pytest.mark.parametrize(
    "text",
    [
        "the engine is overloaded",
        "litellm.RateLimitError: tokens per min (TPM): Limit 30000, Used 29000, Requested 4096",
        "max_tokens=4096 is too large: this model supports at most 2048",
        "The api_key client option must be set",
        "Asia-Pacific risk-averse basic plan",
        "model=openai/gpt-4o-mini-2024-07-18 request 4095f41f-2300-41b5-b62f-78d60a14dfda",
        "https://api.openai.com/v1/chat/completions?api-version=2024-02-01",
        "litellm/llms/openai/openai.py:794 in acompletion",
    ],
)
def test_what_is_no_secret_stays(text):
    assert hide_secrets(text) == text


@pytest.mark.parametrize("part", ["aA1", "api_key ", "api_key=", "eyJ", "://", "?key=", "a1B+"])
def test_no_text_takes_long(part):
    began = time.process_time()
    hide_secrets(part * (1000 // len(part)))

    assert time.process_time() - began < 0.1
