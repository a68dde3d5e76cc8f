"""The ``litellm-obs`` command."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from litellm_obs_plugin.host.address import Address, default_state_dirs

app = typer.Typer(
    help="Observability for the LiteLLM proxy.", no_args_is_help=True, add_completion=False
)

_CONFIG = "proxy_config.yaml"


@app.callback()
def main() -> None:
    """Observability for the LiteLLM proxy."""


@app.command()
def demo(
    config: Annotated[
        Path | None,
        typer.Option(
            help="The proxy's configuration. Default: ./proxy_config.yaml, else ours.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Where the proxy listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The proxy's port.")] = 4000,
    providers_port: Annotated[
        int, typer.Option(min=1, max=65535, help="The simulated providers' port.")
    ] = 4010,
    rate: Annotated[float, typer.Option(min=0.1, max=200, help="Requests per second.")] = 5.0,
    dashboard_port: Annotated[
        int, typer.Option(min=0, max=65535, help="The dashboard's port; 0: without it.")
    ] = 5006,
    reset: Annotated[bool, typer.Option("--reset", help="Begin with empty totals.")] = False,
) -> None:
    """Run a real proxy with the plugin, simulated providers, traffic, and the dashboard."""
    from litellm_obs_plugin.demo import stack

    if reset:
        reset_state(Address(host, str(port)))
    code = stack.run(
        config=config or default_config(Path.cwd()),
        host=host,
        port=port,
        providers_port=providers_port,
        rate=rate,
        stdout=sys.stdout,
        extra=[partial(stack.dashboard, port=dashboard_port)] if dashboard_port else [],
    )
    raise typer.Exit(code)


@app.command()
def dashboard(
    gateway_url: Annotated[
        str, typer.Option(envvar="GATEWAY_URL", help="The proxy's address.")
    ] = "http://127.0.0.1:4000",
    address: Annotated[str, typer.Option(help="Where the page listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The page's port.")] = 5006,
    prefix: Annotated[str, typer.Option(help="A path before everything, for proxies.")] = "",
    origin: Annotated[
        list[str] | None, typer.Option(help="host:port that browsers see; repeatable.")
    ] = None,
    interval_s: Annotated[float, typer.Option(min=0.5, help="Seconds between readings.")] = 2.0,
    max_pages: Annotated[int, typer.Option(min=1, help="Pages open at once.")] = 100,
    frame_ancestor: Annotated[
        list[str] | None, typer.Option(help="Origin that may show it in a frame; repeatable.")
    ] = None,
) -> None:
    """Serve the live dashboard. The proxy's key comes from GATEWAY_DASHBOARD_KEY."""
    try:
        from dashboard_app.config import Config, ConfigError, check, read_secrets
        from dashboard_app.serve import serve
    except ImportError as error:
        msg = f"{error}; install litellm-obs-plugin[dashboard]"
        raise typer.BadParameter(msg) from error
    config = Config(
        gateway_url=gateway_url.rstrip("/"),
        address=address,
        port=port,
        prefix=prefix,
        origins=tuple(origin or ()),
        interval_s=interval_s,
        pages=max_pages,
        frame_ancestors=tuple(frame_ancestor or ()),
        **read_secrets(os.environ),
    )
    try:
        check(config)
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from error
    serve(config)


@app.command()
def doctor(
    config: Annotated[
        Path | None,
        typer.Option(help="The proxy's configuration. Default: ./proxy_config.yaml, else ours."),
    ] = None,
    host: Annotated[str, typer.Option(help="What the proxy is told to listen on.")] = "0.0.0.0",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The proxy's port.")] = 4000,
    url: Annotated[str | None, typer.Option(help="A running proxy to ask, too.")] = None,
    key: Annotated[
        str | None, typer.Option(envvar="LITELLM_MASTER_KEY", help="A key for it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON in place of the table.")] = False,
) -> None:
    """Say what is right and wrong with a configuration, and what to do. Exit code 1: it fails."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # no download for a check
    from rich.console import Console

    from litellm_obs_plugin.doctor import report
    from litellm_obs_plugin.doctor.visit import examine

    path = config or default_config(Path.cwd())
    findings = list(examine(path, address=Address(host, str(port)), url=url, key=key))
    if as_json:
        typer.echo(report.to_json(findings))
    else:
        report.print_table(findings, Console())
    raise typer.Exit(0 if report.is_well(findings) else 1)


@app.command("import-spend-logs")
def import_spend_logs(
    database_url: Annotated[
        str,
        typer.Option(envvar="DATABASE_URL", show_envvar=True, help="LiteLLM's own PostgreSQL."),
    ],
    since: Annotated[
        str | None,
        typer.Option(help="From when, such as 2026-01-31T12:00:00Z. Default: all that is kept."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Until when. Default: where ours begins.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and write nothing.")] = False,
    config: Annotated[
        Path | None,
        typer.Option(help="The proxy's configuration, for its settings. Default: variables only."),
    ] = None,
    host: Annotated[str, typer.Option(help="What the proxy is told to listen on.")] = "0.0.0.0",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The proxy's port.")] = 4000,
    state_dir: Annotated[
        Path | None, typer.Option(envvar="LITELLM_OBS_STATE_DIR", help="The proxy's state.")
    ] = None,
) -> None:
    """Fill the history with what LiteLLM's spend log knows from before. May be run again."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # no download for this
    from rich.console import Console

    from litellm_obs_plugin.spend_import.command import ImportProblemError, run_command

    try:
        run_command(
            url=database_url,
            since=since,
            until=until,
            dry=dry_run,
            config=config,
            state_dir=state_dir,
            address=Address(host, str(port)),
            console=Console(),
        )
    except ImportProblemError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error


def reset_state(address: Address) -> None:
    """Forget what was counted for the proxy at *address*.

    Raises:
        typer.BadParameter: it runs, or its state cannot be deleted.
    """
    from litellm_obs_plugin.history import database
    from litellm_obs_plugin.ledger import book
    from litellm_obs_plugin.metrics import fleet

    for directory in default_state_dirs(address, os.environ):
        try:
            if directory.is_dir():
                fleet.reset(directory)
                book.reset(directory)
                database.forget(directory)
        except OSError as error:
            raise typer.BadParameter(str(error)) from error


def default_config(directory: Path) -> Path:
    """The configuration in *directory*, else the one that came with the package.

    Raises:
        typer.BadParameter: there is neither.
    """
    package = Path(__file__).parent
    for place in (directory, package / "demo", package.parent):
        if (place / _CONFIG).is_file():
            return place / _CONFIG
    msg = f"expected a {_CONFIG} in {directory}, or --config"
    raise typer.BadParameter(msg)
