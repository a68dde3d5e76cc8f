"""What LiteLLM itself decides of a request: whether its texts may be logged, what an error is.

Private names, each with a fallback that is on the safe side.
"""

import logging
from collections.abc import Mapping
from typing import Any

from litellm_obs_plugin.host.payload import held_by, mapping, metadata_of

log = logging.getLogger(__name__)


def is_redacted(kwargs: Mapping[str, Any]) -> bool:
    """Whether prompt and answer must not be shown; True when LiteLLM does not say.

    LiteLLM redacts what it logs of successes, but hands out failures as they came.
    """
    dynamic = mapping(kwargs.get("standard_callback_dynamic_params"))
    if not dynamic and "turn_off_message_logging" in kwargs:
        dynamic = {"turn_off_message_logging": kwargs["turn_off_message_logging"]}
    details = {
        "litellm_params": {"metadata": dict(metadata_of(kwargs))},
        "standard_callback_dynamic_params": dict(dynamic),
    }
    try:
        from litellm.litellm_core_utils.redact_messages import should_redact_message_logging

        return bool(should_redact_message_logging(details))
    except (ImportError, AttributeError, TypeError) as error:
        log.debug("litellm_obs: LiteLLM does not tell about redaction: %s", error)
        return True


def is_private(kwargs: Mapping[str, Any]) -> bool:
    """Whether the caller wants the request logged nowhere, and LiteLLM lets callers choose that."""
    holder = held_by(kwargs).params
    if holder.get("no-log") is not True:
        return False
    import litellm

    return not getattr(litellm, "global_disable_no_log_param", False)


def normalized_error(error: BaseException, *, status: int | None, message: str) -> str:
    """LiteLLM's stable code for *error*, such as ``503_PROVIDER_OVERLOADED``; or nothing."""
    try:
        from litellm.litellm_core_utils.error_normalization import normalize_error

        code = str(status) if status is not None else ""
        return str(normalize_error(error, code, message) or "")
    except (ImportError, AttributeError, TypeError):
        return ""
