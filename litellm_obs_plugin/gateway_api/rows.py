"""The ledger's rows as the JSON interface publishes them.

The rows are written by :mod:`ledger.entry` and handed out as they are; these types describe them.
"""

from datetime import datetime
from typing import Literal

from pydantic import Field

from litellm_obs_plugin.gateway_api.models import Model
from litellm_obs_plugin.record import CostStatus, Operation, Outcome, Source


class DeploymentRow(Model):
    """A deployment of the router and what it stands for."""

    model_group: str
    deployment: str
    provider: str
    model: str


class AttemptRow(DeploymentRow):
    """One call of a deployment. ms is provider time."""

    outcome: Outcome
    error: str | None
    start: datetime
    ms: float | None


class ErrorRow(Model):
    """Why a request failed, and whose fault that was."""

    type: str
    source: Source
    status_code: int | None
    class_: str = Field(alias="class")
    message: str


class LatencyRow(Model):
    """Milliseconds; null where it is not known or does not apply."""

    total_ms: float | None
    provider_ms: float | None
    backoff_ms: float | None
    queue_ms: float | None
    ttft_ms: float | None


class RequestRow(Model):
    """A finished request. Of many attempts the first ones and the last; attemptCount has all."""

    id: str
    time: datetime
    model_group: str
    model: str | None
    provider: str | None
    operation: Operation
    stream: bool
    outcome: Outcome
    error: ErrorRow | None
    latency: LatencyRow
    cost_usd: float | None
    cost_status: CostStatus | None
    tokens: int | None
    attempts: list[AttemptRow]
    attempt_count: int
    failovers: int
    trace_id: str | None
    trace_url: str | None
    team: str | None
    key: str | None


class FailoverRow(Model):
    """A request that went on to another model group. lostMs: until the attempt that answered."""

    request_id: str
    time: datetime
    from_: DeploymentRow = Field(alias="from")
    to: DeploymentRow
    reason: str
    outcome: Literal["recovered", "failed"]
    lost_ms: float | None
    cost_added_usd: float | None
    attempts: list[AttemptRow]
    attempt_count: int
    trace_id: str | None
    trace_url: str | None
