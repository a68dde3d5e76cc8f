"""An assessment as bytes: made once, beside the requests, for everyone who asks."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from pydantic import BaseModel

from litellm_obs_plugin.health.assessment import Assessment, DeploymentState
from litellm_obs_plugin.health.build import build_report, redact
from litellm_obs_plugin.health.component import ComponentState
from litellm_obs_plugin.health.report import Endpoint, Listing
from litellm_obs_plugin.health.status import Status, worst


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """*detailed* is for who may see everything, *plain* has the statuses alone."""

    found: Assessment
    version: str
    detailed: bytes
    plain: bytes

    def aged(self, age_s: float) -> "Page":
        """The same when it is older than it should be, which says something, too."""
        found, host = self.found, self.found.components["host"]
        late = ComponentState(
            status=worst((host.status, Status.DEGRADED)),
            message=f"this report is {age_s:.0f} s old: the plugin cannot look; {host.message}",
            checked_at=host.checked_at,
        )
        status = worst((found.status, Status.DEGRADED))
        components = {**found.components, "host": late}
        return render(replace(found, status=status, components=components), version=self.version)


def render(found: Assessment, *, version: str) -> Page:
    """Both versions of the report."""
    report = build_report(found, version=version)
    return Page(found=found, version=version, detailed=_json(report), plain=_json(redact(report)))


def list_endpoints(
    found: Assessment, *, visible: Collection[str] | None, detailed: bool
) -> Listing:
    """The deployments with ids in *visible* (None: all); addresses and errors if *detailed*."""
    shown = [
        state
        for state in found.deployments()
        if visible is None or state.target.deployment.id in visible
    ]
    well = [_endpoint(one, detailed=detailed) for one in shown if not _is_ill(one)]
    ill = [_endpoint(one, detailed=detailed) for one in shown if _is_ill(one)]
    return Listing(
        healthy_endpoints=well,
        unhealthy_endpoints=ill,
        healthy_count=len(well),
        unhealthy_count=len(ill),
    )


def join(page: bytes, listing: Listing) -> bytes:
    """One object with the keys of both."""
    return page[:-1] + b"," + _json(listing)[1:]


def _json(model: BaseModel) -> bytes:
    return model.model_dump_json(by_alias=True, exclude_none=True).encode()


def _is_ill(state: DeploymentState) -> bool:
    return state.verdict.status is Status.UNHEALTHY


def _endpoint(state: DeploymentState, *, detailed: bool) -> Endpoint:
    deployment = state.target.deployment
    return Endpoint(
        model=f"{deployment.provider}/{deployment.model}",
        model_id=deployment.id,
        api_base=state.target.base_url if detailed else None,
        error=state.verdict.reason if detailed and _is_ill(state) else None,
    )
