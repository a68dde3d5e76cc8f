from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from litellm import exceptions as ours
from litellm.types.router import RouterRateLimitError, RouterRateLimitErrorBasic

from litellm_obs_plugin.host import failures
from litellm_obs_plugin.record import ErrorType, Failure, Source
from tests.host.garbage import values

MODEL = {"llm_provider": "openai", "model": "gpt-4o-mini"}
PROVIDER, CLIENT, GATEWAY = Source.PROVIDER, Source.CLIENT, Source.GATEWAY


def answered(status):
    return httpx.Response(status, request=httpx.Request("POST", "http://127.0.0.1/v1"))


def raised(cls, status=None, **more):
    if status is not None:
        more["response"] = answered(status)
    return cls(message="no", **MODEL, **more)


def api_error(status):
    return ours.APIError(status_code=status, message="no", **MODEL)


class ProxyError(Exception):
    """As the proxy's own, which keeps its status as text in *code*."""

    def __init__(self, message, *, code=None, type=None):
        super().__init__(message)
        self.code = code
        self.type = type


# (exception, type, source when a provider gave it, source when the gateway did, status)
TABLE = [
    (raised(ours.Timeout), "timeout", PROVIDER, CLIENT, 408),
    (raised(ours.RateLimitError, 429), "rate_limit", PROVIDER, CLIENT, 429),
    (raised(ours.AuthenticationError, 401), "auth", PROVIDER, CLIENT, 401),
    (raised(ours.PermissionDeniedError, 403), "auth", PROVIDER, CLIENT, 403),
    (raised(ours.BadRequestError, 400), "bad_request", CLIENT, CLIENT, 400),
    (raised(ours.UnprocessableEntityError, 422), "bad_request", CLIENT, CLIENT, 422),
    (raised(ours.InvalidRequestError), "bad_request", CLIENT, CLIENT, 400),
    (raised(ours.UnsupportedParamsError), "bad_request", CLIENT, CLIENT, 400),
    (raised(ours.ContextWindowExceededError, 400), "context_length", CLIENT, CLIENT, 400),
    (raised(ours.ContentPolicyViolationError, 400), "content_policy", CLIENT, CLIENT, 400),
    (raised(ours.NotFoundError, 404), "not_found", PROVIDER, CLIENT, 404),
    (raised(ours.PaymentRequiredError, 402), "budget", PROVIDER, CLIENT, 402),
    (raised(ours.ServiceUnavailableError, 503), "overloaded", PROVIDER, GATEWAY, 503),
    (raised(ours.BadGatewayError, 502), "server_error", PROVIDER, GATEWAY, 502),
    (raised(ours.InternalServerError, 500), "server_error", PROVIDER, GATEWAY, 500),
    (raised(ours.APIConnectionError), "connection", PROVIDER, GATEWAY, 500),
    (raised(ours.MidStreamFallbackError), "connection", PROVIDER, GATEWAY, 503),
    (api_error(504), "timeout", PROVIDER, GATEWAY, 504),
    (api_error(529), "overloaded", PROVIDER, GATEWAY, 529),
    (api_error(418), "other", PROVIDER, CLIENT, 418),
    (ours.BudgetExceededError(2.0, 1.0), "budget", PROVIDER, CLIENT, 422),
    (ProxyError("no", code="429", type="budget_exceeded"), "budget", PROVIDER, CLIENT, 429),
    (ProxyError("ExceededBudget: team", code=None), "budget", PROVIDER, CLIENT, None),
    (ProxyError("No connected db.", code="400"), "bad_request", CLIENT, CLIENT, 400),
    (ProxyError("no", code="teapot"), "other", PROVIDER, GATEWAY, None),
    (RouterRateLimitError("chat", 60, False, []), "overloaded", PROVIDER, GATEWAY, None),
    (RouterRateLimitErrorBasic("chat"), "overloaded", PROVIDER, GATEWAY, None),
    (httpx.ReadError("gone"), "connection", PROVIDER, GATEWAY, None),
    (httpx.ConnectError("gone"), "connection", PROVIDER, GATEWAY, None),
    (ValueError("anything"), "other", PROVIDER, GATEWAY, None),
]


@pytest.mark.parametrize(
    ("error", "error_type", "of_provider", "of_gateway", "status"),
    TABLE,
    ids=[f"{type(row[0]).__name__}-{row[1]}-{row[4]}" for row in TABLE],
)
def test_types_and_sources(error, error_type, of_provider, of_gateway, status):
    """The same exception is another's fault before a deployment was called than after."""
    attempt, request = failures.provider_failure(error), failures.gateway_failure(error)

    assert (error_type, of_provider) == (attempt.error_type, attempt.source)
    assert (error_type, of_gateway) == (request.error_type, request.source)
    assert (status, type(error).__name__) == (attempt.status_code, attempt.error_class)


def test_a_refused_connection_has_no_class_of_its_own():
    """The host calls it an internal error with these words."""
    error = ours.InternalServerError("OpenAIException - Connection error.", **MODEL)

    assert ErrorType.CONNECTION is failures.provider_failure(error).error_type


@pytest.mark.parametrize("cls", [Exception, AssertionError])
def test_a_missing_key_is_a_bare_exception(cls):
    """So does the host refuse a key that is missing or malformed."""
    failure = failures.gateway_failure(cls("Malformed API Key passed in"))

    assert (ErrorType.AUTH, CLIENT) == (failure.error_type, failure.source)


def test_a_bare_exception_about_something_else_is_not():
    failure = failures.gateway_failure(Exception("the disk is full"))

    assert (ErrorType.OTHER, GATEWAY) == (failure.error_type, failure.source)


@pytest.mark.parametrize(
    ("information", "error_type", "source", "status"),
    [
        ({"error_class": "ReadError", "error_code": ""}, "connection", PROVIDER, None),
        ({"error_class": "RateLimitError", "error_code": "429"}, "rate_limit", PROVIDER, 429),
        ({"error_class": "BadRequestError", "error_code": 400}, "bad_request", CLIENT, 400),
        ({"error_class": "ReadTimeout", "error_code": ""}, "timeout", PROVIDER, None),
        ({"error_class": None, "error_code": None}, "other", PROVIDER, None),
        ({}, "other", PROVIDER, None),
    ],
)
def test_failures_as_the_log_tells_them(information, error_type, source, status):
    failure = failures.logged_failure({**information, "error_message": "no"})

    assert (
        Failure(
            error_type=error_type,
            source=source,
            status_code=status,
            error_class=information.get("error_class") or "",
            message="no",
        )
        == failure
    )


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-4f2a9c77",
        "header was Bearer 4f2a9c77.xyz",
        "api_key='4f2a9c77'",
        "API-KEY: 4f2a9c77",
    ],
)
def test_messages_hold_no_secret(text):
    for failure in (
        failures.provider_failure(ValueError(text)),
        failures.logged_failure({"error_message": text}),
    ):
        assert "4f2a9c77" not in failure.message
        assert "***" in failure.message


@pytest.mark.parametrize(
    ("status", "error_type"),
    [(429, "rate_limit"), ("503", "overloaded"), ("", "other"), (None, "other"), (-1, "other")],
)
def test_type_of_a_status(status, error_type):
    assert error_type == failures.type_of_status(status)


def test_messages_are_short():
    assert 500 == len(failures.provider_failure(ValueError("x" * 10_000)).message)


def test_a_caller_who_hung_up():
    failure = failures.client_disconnect()

    assert (499, CLIENT) == (failure.status_code, failure.source)


@given(value=values)
def test_any_log_gives_a_failure(value):
    failure = failures.logged_failure({"error_class": value, "error_message": value})

    assert failure.error_type in ErrorType


def test_litellm_trips_over_a_body_of_the_wrong_shape():
    """What its proxy answers with 400 is not the provider's fault; a broken connection is."""

    class APIConnectionError(Exception):  # LiteLLM's name
        pass

    def raised(behind: Exception) -> Exception:
        try:
            try:
                raise behind
            except Exception as error:
                raise ValueError("translated") from error
        except ValueError as error:
            told = APIConnectionError("no")
            told.__context__ = error
            return told

    types = [failures.provider_failure(raised(e)) for e in (AttributeError("x"), OSError("x"))]

    assert [(ErrorType.BAD_REQUEST, CLIENT), (ErrorType.CONNECTION, PROVIDER)] == [
        (one.error_type, one.source) for one in types
    ]
