"""A function of the operator's, called on every text before it leaves."""

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

from litellm_obs_plugin.langfuse.observation import Observation, Plain, Tree

Mask = Callable[..., Any]

FAILED = "<masked: the mask function failed>"


def load_mask(name: str) -> Mask:
    """The function called ``module.function``.

    Raises:
        ValueError: there is none.
    """
    module, _, function = name.rpartition(".")
    try:
        found = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        msg = f"langfuse.mask: expected module.function, got {name!r}: {error}"
        raise ValueError(msg) from error
    if not callable(found):
        msg = f"langfuse.mask: expected a function, got {name!r}"
        raise ValueError(msg)
    return found  # type: ignore[no-any-return]


def mask_tree(tree: Tree, mask: Mask) -> Tree:
    """Apply *mask* to the texts in *tree*, which is ours to change."""
    for observation in tree.observations:
        _mask_observation(observation, mask)
    tree.name, tree.user = _masked(tree.name, mask), _masked(tree.user, mask)
    tree.session = _masked(tree.session, mask)
    tree.tags = tuple(_masked(tag, mask) or "" for tag in tree.tags)
    return tree


def _mask_observation(observation: Observation, mask: Mask) -> None:
    observation.input = _masked(observation.input, mask)
    observation.output = _masked(observation.output, mask)
    observation.status_message = _masked(observation.status_message, mask) or ""
    observation.metadata = {
        key: _masked_value(value, mask) for key, value in observation.metadata.items()
    }
    observation.parameters = {
        key: _masked_value(value, mask) for key, value in (observation.parameters or {}).items()
    }


def _masked_value(value: Plain, mask: Mask) -> Plain:
    return (_masked(value, mask) or "") if isinstance(value, str) else value


def _masked(text: str | None, mask: Mask) -> str | None:
    """A failing mask hides the text: it might be just the one it is there for."""
    if not text:
        return text
    try:
        found = mask(data=text)
        return found if isinstance(found, str) or found is None else json.dumps(found, default=str)
    except Exception:  # noqa: BLE001 the operator's own function, which may raise anything
        return FAILED
