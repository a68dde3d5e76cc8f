"""The CustomLogger that the proxy calls. Every hook is guarded: nothing is raised into LiteLLM.

Which hook fires when, and which may be trusted, was measured on LiteLLM 1.106.2: request success
is ``async_log_success_event``; a failed attempt is ``async_post_call_failure_deployment_hook``; a
failed request is ``async_post_call_failure_hook``. ``async_log_failure_event`` also fires for
requests that succeed later and is read only for streams that break.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from litellm.integrations.custom_logger import CustomLogger

from litellm_obs_plugin.host import compat
from litellm_obs_plugin.host.backlog import Backlog
from litellm_obs_plugin.host.circuits import CircuitWatch
from litellm_obs_plugin.host.headers import HeaderWriter
from litellm_obs_plugin.host.inflight import InflightMeter
from litellm_obs_plugin.host.observer import Observer

log = logging.getLogger(__name__)

_LOG_INTERVAL_S = 30.0
_NO_EVENT: Mapping[str, Any] = {}
_CALL_ID = "litellm_call_id"
# LiteLLM tells classes with this in their name of requests sent with `no-log` as well.
_COUNTS_EVERYTHING = "_PROXY_"


class QuietCallback(CustomLogger):
    """Hands the proxy's events to an :class:`Observer`; *count_error* gets a failure's stage."""

    _starts_wait = True

    def __init__(
        self,
        *,
        observer: Observer,
        headers: HeaderWriter,
        circuits: CircuitWatch,
        inflight: InflightMeter,
        count_error: Callable[[str], None],
        is_awaited: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """*is_awaited*: whether somebody waits for the end of a request."""
        super().__init__()
        self._observer = observer
        self._headers = headers
        self._circuits = circuits
        self._inflight = inflight
        self._count_error = count_error
        self._monotonic = monotonic
        self._quiet_until_s = 0.0
        self._backlog = Backlog(handle=self._guard, is_urgent=is_awaited)
        self.settle = self._backlog.settle
        # Bound once: these run between much other code, where each step more is a cache miss.
        self._add_start, self._add = self._backlog.add_start, self._backlog.add
        self._add_end = self._backlog.add_end
        self._now, self._deployment_of = observer.now, observer.deployment_of
        self._started, self._answered = observer.attempt_started, observer.attempt_answered
        self._succeeded = observer.request_succeeded

    async def async_pre_call_deployment_hook(self, kwargs: Any, call_type: Any) -> None:
        try:
            if self._starts_wait and type(kwargs) is dict:
                start = (kwargs, self._deployment_of(kwargs), self._now())
                self._add_start(kwargs.get(_CALL_ID), ("attempt_start", self._started, *start))
                return
        except Exception as error:  # noqa: BLE001 as below
            self._failed("attempt_start", error)
            return
        self._guard("attempt_start", self._start, kwargs)

    def _start(self, kwargs: Mapping[str, Any]) -> None:
        self._started(kwargs, self._deployment_of(kwargs), self._now())

    async def async_post_call_success_deployment_hook(
        self, request_data: Any, response: Any, call_type: Any
    ) -> None:
        if self._starts_wait and type(request_data) is dict:
            answer = ("attempt_success", self._answered, request_data, self._now())
            self._add(request_data.get(_CALL_ID), answer, passing=True)
        else:
            self._guard("attempt_success", self._answered, request_data, self._now())

    async def async_post_call_failure_deployment_hook(
        self, request_data: Any, exception: Any, call_type: Any, fallback_depth: Any = None
    ) -> None:
        self._guard("attempt_failure", self._observer.attempt_failed, request_data, exception)

    async def async_log_success_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        call_id = kwargs.get(_CALL_ID) if type(kwargs) is dict else None
        self._add_end(call_id, ("request_success", self._succeeded, kwargs, response_obj))

    async def async_log_failure_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        self._guard("attempt_failure", self._observer.attempt_logged_as_failed, kwargs)

    async def async_post_call_failure_hook(
        self,
        request_data: Any,
        original_exception: Any,
        user_api_key_dict: Any,
        traceback_str: Any = None,
    ) -> None:
        failed = self._request_failed
        self._guard("request_failure", failed, request_data, original_exception, user_api_key_dict)

    def _request_failed(self, event: Mapping[str, Any], error: Any, user: Any) -> None:
        self._observer.request_failed(event, error, getattr(user, "request_route", None))

    def circuit_entered(self, event: Any) -> None:
        """LiteLLM has put a deployment to rest."""
        self._guard("circuit", self._circuits.entered, event)

    async def look(self) -> None:
        """What is to be seen once a second: requests under way, and circuits at the router."""
        self.settle()
        self._guard("inflight", self._count_inflight, _NO_EVENT)
        active: Any
        (active,) = await asyncio.gather(compat.active_cooldowns(), return_exceptions=True)
        self._guard("circuit", self._look, active)  # an exception is no mapping: it counts

    def _count_inflight(self, _: Mapping[str, Any]) -> None:
        self._inflight.show()

    def _look(self, active: Mapping[str, Mapping[str, Any]]) -> None:
        self._circuits.look(compat.deployments(), active)

    def _guard(self, stage: str, handle: Callable[..., None], event: Any, *rest: Any) -> None:
        try:
            if type(event) is not dict and not isinstance(event, Mapping):
                msg = f"expected a mapping, got {type(event).__name__}"
                raise TypeError(msg)
            self._backlog.settle_for(event)
            handle(event, *rest)
        except Exception as error:  # noqa: BLE001 a lost sample must not cost a request
            self._failed(stage, error)

    def _failed(self, stage: str, error: Exception) -> None:
        with suppress(Exception):  # on a full disk counting fails as well
            self._count_error(stage)
        self._log(stage, error)

    def _log(self, stage: str, error: Exception) -> None:
        now = self._monotonic()
        if now >= self._quiet_until_s:
            self._quiet_until_s = now + _LOG_INTERVAL_S
            log.warning("litellm_obs: %s not recorded", stage, exc_info=error)


class ObsCallback(QuietCallback):
    """The same, and it adds response headers. LiteLLM looks for this hook on the class itself."""

    _starts_wait = False  # the headers tell of attempts that have just begun

    async def async_post_call_response_headers_hook(
        self,
        data: Any,
        user_api_key_dict: Any,
        response: Any,
        request_headers: Any = None,
        litellm_call_info: Any = None,
    ) -> dict[str, str] | None:
        written: dict[str, str] = {}
        self._guard("headers", lambda d: written.update(self._headers.write(d, response)), data)
        return written or None


for _class in (QuietCallback, ObsCallback):
    _class.__name__ = _COUNTS_EVERYTHING + _class.__name__


class InertCallback(CustomLogger):
    """Stands in when the plugin could not be built: the proxy boots and serves without it."""
