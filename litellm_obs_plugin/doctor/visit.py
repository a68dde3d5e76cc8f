"""All checks, in the order in which a failure explains the next."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from litellm_obs_plugin.doctor.finding import Finding, fail, ok
from litellm_obs_plugin.doctor.inclusion import UnreadableError
from litellm_obs_plugin.doctor.installation import check_installation
from litellm_obs_plugin.doctor.living import check_proxy
from litellm_obs_plugin.doctor.patient import read_patient
from litellm_obs_plugin.doctor.state import check_state
from litellm_obs_plugin.doctor.traces import check_traces
from litellm_obs_plugin.doctor.wiring import check_callback, check_neighbours, check_providers
from litellm_obs_plugin.host.address import Address
from litellm_obs_plugin.settings import SettingsError, read_settings


def examine(
    config: Path,
    *,
    address: Address,
    url: str | None = None,
    key: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Iterator[Finding]:
    """What is found in *config*, and at *url* if there is one."""
    yield from check_installation()
    yield from _examine_file(config, address, environ)
    if url is not None:
        yield from check_proxy(url, key)


def _examine_file(config: Path, address: Address, environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        patient = read_patient(config, environ)
    except UnreadableError as error:
        yield fail("configuration", str(error), "mend the file, or name another with --config")
        return
    yield check_callback(patient)
    try:
        section = patient.section("callback_settings").get("litellm_obs")
        settings = read_settings(section, patient.environ)
    except SettingsError as error:
        yield fail("settings", str(error), "mend it: until then the plugin is off")
        return
    yield ok("settings", "all are known and fit")
    yield from check_state(patient, settings, address)
    yield from check_traces(patient, settings.langfuse)
    yield from check_neighbours(patient, settings)
    yield from check_providers(patient)
