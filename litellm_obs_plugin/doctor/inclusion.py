"""A configuration with the files that it includes, merged as LiteLLM merges them."""

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

_INCLUDE = "include"


class UnreadableError(ValueError):
    """The file is no proxy configuration; the message says why."""


def read_config(path: Path) -> Mapping[str, Any]:
    """The configuration in *path* with all that it includes, directly or not.

    Lists are extended, everything else is replaced, whole sections among it. Each file counts
    once; it is looked for beside the one that names it, then beside *path*.

    Raises:
        UnreadableError: one of the files cannot be read, or is no mapping.
    """
    root = path.absolute()
    config = _read(root)
    pending = deque((name, root) for name in _names(config, root))
    merged, seen = _without_include(config), {root}
    while pending:
        name, declared_in = pending.popleft()
        location = _find(name, declared_in, root)
        if location in seen:
            continue
        seen.add(location)
        included = _read(location, named_in=declared_in)
        pending.extend((more, location) for more in _names(included, location))
        merged = _merge(merged, _without_include(included))
    return merged


def _read(path: Path, *, named_in: Path | None = None) -> Mapping[str, Any]:
    where = f" (included by {named_in})" if named_in is not None else ""
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        msg = f"{path}{where}: {' '.join(str(error).split())}"
        raise UnreadableError(msg) from error
    if not isinstance(config, Mapping):
        msg = f"{path}{where}: expected a mapping, got {type(config).__name__}"
        raise UnreadableError(msg)
    return config


def _names(config: Mapping[str, Any], path: Path) -> list[str]:
    names = config.get(_INCLUDE, [])
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        msg = f"{path}: include: expected a list of files, got {names!r}"
        raise UnreadableError(msg)
    return names


def _find(name: str, declared_in: Path, root: Path) -> Path:
    beside, fallback = (_normal(place.parent / name) for place in (declared_in, root))
    return beside if beside.exists() or not fallback.exists() else fallback


def _normal(path: Path) -> Path:
    """Without ``..``; links stay, as for LiteLLM."""
    parts: list[str] = []
    for part in path.parts:
        if part != "..":
            parts.append(part)
        elif len(parts) > 1:
            parts.pop()
    return Path(*parts)


def _without_include(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name != _INCLUDE}


def _merge(base: Mapping[str, Any], included: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in included.items():
        extends = isinstance(value, list) and isinstance(merged.get(name), list)
        merged[name] = [*merged[name], *value] if extends else value
    return merged
