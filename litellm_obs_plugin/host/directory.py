"""Which deployment and which model group a call concerns, in names that are bounded."""

from collections.abc import Mapping
from typing import Any, Protocol

from litellm_obs_plugin.host import compat
from litellm_obs_plugin.host.payload import mapping, metadata_of, payload_of, text
from litellm_obs_plugin.host.price import price_tokens
from litellm_obs_plugin.record import OTHER, UNKNOWN, Deployment, Tokens

_MAX_KNOWN = 10_000


class Names(Protocol):
    """What the host knows by name; :mod:`compat` asks LiteLLM."""

    def is_model_group(self, name: str) -> bool: ...
    def canonical_group(self, name: str) -> str: ...
    def deployments(self) -> list[Mapping[str, Any]]: ...
    def deployment_group(self, deployment_id: str) -> str | None: ...
    def model_price(self, key: str) -> Mapping[str, Any]: ...
    def split_model(
        self, model: str, *, provider: str | None, api_base: str | None
    ) -> tuple[str, str | None]: ...


class Directory:
    """Resolves deployments once and remembers them. Unknown model groups become ``other``."""

    def __init__(self, names: Names = compat) -> None:
        self._names = names
        self._known: dict[tuple[str, str], Deployment] = {}

    def of_attempt(self, kwargs: Mapping[str, Any]) -> Deployment:
        """The deployment in a deployment hook's kwargs."""
        deployment_id = text(mapping(kwargs.get("model_info")).get("id")) or ""
        model = text(kwargs.get("model")) or UNKNOWN
        known = self._known.get((deployment_id, model))
        if known is None:
            known = self._resolve(
                deployment_id=deployment_id,
                model=model,
                provider=text(kwargs.get("custom_llm_provider")),
                api_base=text(kwargs.get("api_base")),
                asked=text(metadata_of(kwargs).get("model_group")),
            )
        return known

    def of_payload(self, kwargs: Mapping[str, Any]) -> Deployment:
        """The deployment in a log event, for requests that no deployment hook announced."""
        payload = payload_of(kwargs)
        model = text(payload.get("model")) or UNKNOWN
        provider = text(payload.get("custom_llm_provider"))
        if model == UNKNOWN:  # pass-through: LiteLLM does not know what it carried
            return Deployment(id="", model_group=OTHER, model=OTHER, provider=provider or UNKNOWN)
        return self._resolve(
            deployment_id=text(payload.get("model_id")) or "",
            model=model,
            provider=provider,
            api_base=None,
            asked=text(payload.get("model_group")),
        )

    def first_choice(self, model_group: str) -> Deployment | None:
        """What the router would try first for *model_group*; None when it has nothing for it."""
        name = self._names.canonical_group(model_group)
        ours = [d for d in self._names.deployments() if d.get("model_name") == name]
        first = min(ours, key=_order, default=None)
        return self.of_router(first) if first is not None else None

    def of_router(self, entry: Mapping[str, Any]) -> Deployment:
        """An entry of the router's model list."""
        given = mapping(entry.get("litellm_params"))
        deployment_id = text(mapping(entry.get("model_info")).get("id")) or ""
        model = text(given.get("model")) or UNKNOWN
        return self._known.get((deployment_id, model)) or self._resolve(
            deployment_id=deployment_id,
            model=model,
            provider=text(given.get("custom_llm_provider")),
            api_base=text(given.get("api_base")),
            asked=text(entry.get("model_name")),
        )

    def price_tokens(self, deployment: Deployment, tokens: Tokens) -> float | None:
        """US dollars that *tokens* would have cost there; None without a known price."""
        names = (deployment.id, deployment.model, f"{deployment.provider}/{deployment.model}")
        priced = (price_tokens(tokens, self._names.model_price(name)) for name in names if name)
        return next((usd for usd in priced if usd is not None), None)

    def asked_group(self, name: str | None, first: Deployment | None) -> str:
        """The model group that was asked for, as the router names it, else ``other``.

        A wildcard group is known by its pattern, which the first deployment carries.
        """
        if name and self._names.is_model_group(name):
            return name
        if first is not None and "*" in first.model_group:
            return first.model_group
        return OTHER

    def _resolve(
        self,
        *,
        deployment_id: str,
        model: str,
        provider: str | None,
        api_base: str | None,
        asked: str | None,
    ) -> Deployment:
        name, found = self._names.split_model(model, provider=provider, api_base=api_base)
        group = self._names.deployment_group(deployment_id) if deployment_id else None
        chosen_by_caller = group is None or "*" in group
        if group is None:
            group = asked if asked and self._names.is_model_group(asked) else OTHER
        if chosen_by_caller and not self._is_listed(name, found):
            name = OTHER
        deployment = Deployment(
            id=deployment_id, model_group=group, model=name, provider=found or UNKNOWN
        )
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known[deployment_id, model] = deployment
        return deployment

    def _is_listed(self, model: str, provider: str | None) -> bool:
        """Whether the price list has *model*: a bounded set of names, whatever callers invent."""
        return any(map(self._names.model_price, (model, f"{provider}/{model}")))


def _order(entry: Mapping[str, Any]) -> float:
    order = mapping(entry.get("litellm_params")).get("order")
    return float(order) if isinstance(order, int | float) else float("inf")
