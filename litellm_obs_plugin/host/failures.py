"""LiteLLM's exceptions -> :class:`Failure`: a dozen types, and whose fault it was."""

from collections.abc import Mapping
from typing import Any

from litellm_obs_plugin.host.frames import read_frames
from litellm_obs_plugin.host.judgement import normalized_error
from litellm_obs_plugin.record import ErrorType, Failure, Source
from litellm_obs_plugin.redaction import hide_secrets

_MESSAGE_CHARS = 500

# litellm/exceptions.py and litellm/types/router.py; the most telling class name wins.
_BY_CLASS = {
    "Timeout": ErrorType.TIMEOUT,
    "APITimeoutError": ErrorType.TIMEOUT,
    "ContextWindowExceededError": ErrorType.CONTEXT_LENGTH,
    "ContentPolicyViolationError": ErrorType.CONTENT_POLICY,
    "BudgetExceededError": ErrorType.BUDGET,
    "RouterRateLimitError": ErrorType.OVERLOADED,
    "RouterRateLimitErrorBasic": ErrorType.OVERLOADED,
    "APIConnectionError": ErrorType.CONNECTION,
    # httpx and aiohttp: how a stream breaks.
    "ReadError": ErrorType.CONNECTION,
    "ConnectError": ErrorType.CONNECTION,
    "RemoteProtocolError": ErrorType.CONNECTION,
    "ReadTimeout": ErrorType.TIMEOUT,
    "ServerDisconnectedError": ErrorType.CONNECTION,
    "ClientPayloadError": ErrorType.CONNECTION,
    "SocketTimeoutError": ErrorType.TIMEOUT,
    "MidStreamFallbackError": ErrorType.CONNECTION,
}
_BY_STATUS = {
    400: ErrorType.BAD_REQUEST,
    401: ErrorType.AUTH,
    402: ErrorType.BUDGET,
    403: ErrorType.AUTH,
    404: ErrorType.NOT_FOUND,
    408: ErrorType.TIMEOUT,
    413: ErrorType.BAD_REQUEST,
    422: ErrorType.BAD_REQUEST,
    429: ErrorType.RATE_LIMIT,
    500: ErrorType.SERVER_ERROR,
    502: ErrorType.SERVER_ERROR,
    503: ErrorType.OVERLOADED,
    504: ErrorType.TIMEOUT,
    529: ErrorType.OVERLOADED,
}
_CALLER_TYPES = frozenset(
    {ErrorType.BAD_REQUEST, ErrorType.CONTEXT_LENGTH, ErrorType.CONTENT_POLICY}
)
_REFUSED_STATUS = range(400, 500)
_MAX_CHAIN = 8
_REFUSED_TYPES = (ErrorType.AUTH, ErrorType.BUDGET, ErrorType.BAD_REQUEST)


def provider_failure(error: BaseException) -> Failure:
    """Why one call of a deployment failed.

    What the caller sent (400, context length, content policy) is the caller's fault, the rest the
    provider's.
    """
    error_type = _type_of(error)
    source = Source.CLIENT if error_type in _CALLER_TYPES else Source.PROVIDER
    return _failure(error, error_type, source)


def gateway_failure(error: BaseException) -> Failure:
    """Why a request failed before any deployment was called.

    A 4xx is the caller's doing (key, body, unknown model, own limits); "no deployment is left" and
    5xx are the gateway's.
    """
    error_type = _type_of(error)
    if error_type is ErrorType.OTHER and _forbids_parameter(error):
        error_type = ErrorType.BAD_REQUEST
    elif error_type is ErrorType.OTHER and _is_auth(error):
        error_type = ErrorType.AUTH
    refused = _status(error) in _REFUSED_STATUS or error_type in _REFUSED_TYPES
    ours = error_type is ErrorType.OVERLOADED or not refused
    return _failure(error, error_type, Source.GATEWAY if ours else Source.CLIENT)


def request_id_of(error: BaseException) -> str | None:
    """The id under which the provider knows the call, from the headers of its answer."""
    headers = getattr(error, "litellm_response_headers", None)
    if headers is None:
        headers = getattr(getattr(error, "response", None), "headers", None)
    found = (headers or {}).get("x-request-id") or getattr(error, "request_id", None)
    return found if isinstance(found, str) else None


def client_disconnect() -> Failure:
    """The caller hung up before the answer was complete."""
    return Failure(
        error_type=ErrorType.OTHER,
        source=Source.CLIENT,
        status_code=499,
        error_class="ClientDisconnected",
        message="the client closed the connection",
    )


def logged_failure(information: Mapping[str, Any]) -> Failure:
    """The failure of an attempt as LiteLLM's logging payload tells it (``error_information``)."""
    error_class = str(information.get("error_class") or "")
    code = str(information.get("error_code") or "")
    status = int(code) if code.isdecimal() else None
    error_type = _BY_CLASS.get(error_class) or _BY_STATUS.get(status or 0, ErrorType.OTHER)
    return Failure(
        error_type=error_type,
        source=Source.CLIENT if error_type in _CALLER_TYPES else Source.PROVIDER,
        status_code=status,
        error_class=error_class,
        message=_message(str(information.get("error_message") or "")),
        normalized=str(information.get("normalized_error") or ""),
    )


def type_of_status(status: Any) -> ErrorType:
    """The type of an HTTP status, given as a number or as text."""
    text = str(status)
    return _BY_STATUS.get(int(text), ErrorType.OTHER) if text.isdecimal() else ErrorType.OTHER


def _failure(error: BaseException, error_type: ErrorType, source: Source) -> Failure:
    message, status = str(error)[: 4 * _MESSAGE_CHARS], _status(error)
    return Failure(
        error_type=error_type,
        source=source,
        status_code=status,
        error_class=type(error).__name__,
        message=_message(message),
        normalized=normalized_error(error, status=status, message=message),
        traceback=read_frames(error),
    )


def _type_of(error: BaseException) -> ErrorType:
    if _is_malformed(error):
        return ErrorType.BAD_REQUEST
    for parent in type(error).__mro__:
        found = _BY_CLASS.get(parent.__name__)
        if found is not None:
            return found
    text = str(error)
    if "Connection error" in text and _status(error) == 500:  # LiteLLM's word for a refused one
        return ErrorType.CONNECTION
    if _budget_exceeded(error, text):
        return ErrorType.BUDGET
    return _BY_STATUS.get(_status(error) or 0, ErrorType.OTHER)


def _is_malformed(error: BaseException) -> bool:
    """LiteLLM trips over a body of the wrong shape while it translates it.

    It calls that an `APIConnectionError`, and answers 400 when an `AttributeError` is behind it.
    """
    if type(error).__name__ != "APIConnectionError":
        return False
    behind: BaseException | None = error
    for _ in range(_MAX_CHAIN):
        if behind is None or isinstance(behind, AttributeError):
            break
        behind = behind.__cause__ or behind.__context__
    return isinstance(behind, AttributeError)


def _budget_exceeded(error: BaseException, text: str) -> bool:
    return getattr(error, "type", None) == "budget_exceeded" or "ExceededBudget" in text


def _forbids_parameter(error: BaseException) -> bool:
    """LiteLLM refuses what a body must not set (prices, addresses) with a bare ``ValueError``."""
    return type(error) in (Exception, ValueError) and str(error).startswith("Rejected Request")


def _is_auth(error: BaseException) -> bool:
    """LiteLLM refuses a missing or malformed key with a bare ``Exception``."""
    return type(error) in (Exception, AssertionError) and "key" in str(error).lower()


def _status(error: BaseException) -> int | None:
    for name in ("status_code", "code"):
        value = getattr(error, name, None)
        if isinstance(value, int):
            return value
        if isinstance(value, str) and value.isdecimal():
            return int(value)
    return None


def _message(text: str) -> str:
    return hide_secrets(text[: 2 * _MESSAGE_CHARS])[:_MESSAGE_CHARS]
