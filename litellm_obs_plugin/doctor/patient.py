"""The configuration that is looked at."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litellm_obs_plugin.doctor.inclusion import read_config
from litellm_obs_plugin.host.payload import mapping

_TRUE = "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """*environ* is the environment with what the configuration adds to it."""

    path: Path
    config: Mapping[str, Any]
    environ: Mapping[str, str]

    def section(self, name: str) -> Mapping[str, Any]:
        return mapping(self.config.get(name))

    def callbacks(self, *lists: str) -> list[str]:
        """The names in these lists of ``litellm_settings``, in all without one."""
        names = lists or ("callbacks", "success_callback", "failure_callback")
        return [one for name in names for one in _texts(self.section("litellm_settings").get(name))]

    def deployments(self) -> list[Mapping[str, Any]]:
        listed = self.config.get("model_list")
        entries = listed if isinstance(listed, list) else []
        return [one for one in entries if isinstance(one, Mapping)]

    def has_stored_models(self) -> bool:
        """Whether models lie in LiteLLM's database, too, as far as can be told without it."""
        said = self.section("general_settings").get("store_model_in_db")
        variable = self.environ.get("STORE_MODEL_IN_DB", "")
        return said is True or variable.strip().lower() == _TRUE


def read_patient(path: Path, environ: Mapping[str, str] = os.environ) -> Patient:
    """The configuration in *path*, with the files that it includes.

    Raises:
        UnreadableError: one of them cannot be read, or is no mapping.
    """
    config = read_config(path)
    added = {str(k): str(v) for k, v in mapping(config.get("environment_variables")).items()}
    given = {k: v for k, v in added.items() if not v.startswith("os.environ/")}
    return Patient(path=path, config=config, environ={**environ, **given})


def _texts(value: Any) -> Sequence[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]
