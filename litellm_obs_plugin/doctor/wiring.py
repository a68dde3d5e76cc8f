"""Whether the configuration wires the plugin in, and what stands beside it."""

from collections.abc import Iterator

from litellm_obs_plugin.doctor.finding import Finding, fail, ok, warn
from litellm_obs_plugin.doctor.patient import Patient
from litellm_obs_plugin.host.directory import Directory
from litellm_obs_plugin.host.upstream import Upstream
from litellm_obs_plugin.settings import Settings

_MODULE = "litellm_obs_plugin"
LINE = f"{_MODULE}.proxy_callback"


def check_callback(patient: Patient) -> Finding:
    """The one line that makes the proxy load us."""
    subject, remedy = "callback", f'litellm_settings: {{callbacks: ["{LINE}"]}}'
    shadow = patient.path.parent / f"{_MODULE}.py"
    if LINE not in patient.callbacks("callbacks"):
        where = " (it stands in another list)" if LINE in patient.callbacks() else ""
        return fail(subject, f"{LINE} is not in litellm_settings.callbacks{where}", remedy)
    if not isinstance(patient.section("litellm_settings").get("callbacks"), list):
        return fail(subject, "litellm_settings.callbacks is no list", remedy)
    if shadow.exists():
        told = f"{shadow.name} beside the configuration is loaded in the plugin's place"
        return fail(subject, told, f"rename {shadow}")
    try:
        from litellm_obs_plugin import plugin  # noqa: F401 whether it loads is the question
    except Exception as error:  # noqa: BLE001 whatever it is, the proxy would meet it, too
        told = f"the plugin does not load: {type(error).__name__}: {error}"
        return fail(subject, told, "install litellm-obs-plugin anew, with its dependencies")
    return ok(subject, f"{LINE} is there and loads")


def check_neighbours(patient: Patient, settings: Settings) -> Iterator[Finding]:
    """What else watches the proxy, and who may see what."""
    if "prometheus" in patient.callbacks():
        told = "LiteLLM's own callback is on beside ours and costs more than ours"
        yield warn(
            "prometheus", told, "take prometheus out of the callbacks once nothing needs its names"
        )
    general = patient.section("general_settings")
    if general.get("master_key") or patient.environ.get("LITELLM_MASTER_KEY"):
        yield ok(
            "access", f"/metrics and the JSON need a key of {', '.join(settings.require_role)}"
        )
    else:
        told = "no master_key: whoever reaches the proxy may read everything"
        yield warn("access", told, "set general_settings.master_key or LITELLM_MASTER_KEY")
    if general.get("background_health_checks") is True:
        told = "background_health_checks sends paid calls to every deployment"
        yield warn("health", told, "take it out; /health/gateway probes for free")
    elif settings.replace_health:
        yield ok("health", "GET /health is ours and free")
    else:
        told = "free at /health/gateway; GET /health is LiteLLM's and calls every model"
        yield ok("health", f"{told} (replace_health: true changes that)")


def check_providers(patient: Patient) -> Iterator[Finding]:
    """Whether every deployment's address is known, so that it can be probed."""
    entries = patient.deployments()
    if patient.has_stored_models():
        told = "store_model_in_db is on: models of the database are seen with --url alone"
        yield ok("providers", told)
    elif not entries:
        remedy = "add models, or set general_settings.store_model_in_db if a database has them"
        yield warn("providers", "model_list is empty", remedy)
    if not entries:
        return
    upstream = Upstream(
        of_router=Directory().of_router,
        with_key=False,
        deployments=lambda: entries,
        environ=patient.environ,
    )
    targets = upstream.targets()
    for entry, one in zip(entries, targets, strict=True):
        if one.base_url is None:
            name = f"{entry.get('model_name')} ({one.deployment.provider})"
            yield warn("providers", f"{name}: address {one.problem}", "set its api_base")
    known = sum(one.base_url is not None for one in targets)
    yield ok("providers", f"the addresses of {known} of {len(targets)} deployments are known")
