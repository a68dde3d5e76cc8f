"""``litellm-obs import-spend-logs``: what it asks, shows and says when it cannot."""

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from litellm_obs_plugin.doctor.inclusion import UnreadableError
from litellm_obs_plugin.doctor.patient import read_patient
from litellm_obs_plugin.gateway_api.query import QueryError, parse_query
from litellm_obs_plugin.history.database import FILE, open_file
from litellm_obs_plugin.history.keeper import read_name
from litellm_obs_plugin.history.level import HOUR_S
from litellm_obs_plugin.history.past_hours import PastHours
from litellm_obs_plugin.history.standing import reason_of
from litellm_obs_plugin.history.store import Store
from litellm_obs_plugin.host import compat
from litellm_obs_plugin.host.address import Address, default_state_dirs
from litellm_obs_plugin.host.price import PriceOf
from litellm_obs_plugin.settings import SettingsError, read_settings
from litellm_obs_plugin.spend_import.run import Plan, Total, make_plan, run_plan
from litellm_obs_plugin.spend_import.spend_log import SpendLog, SpendLogError
from litellm_obs_plugin.spend_import.tally import Tally


class ImportProblemError(Exception):
    """The import cannot be done, or not to its end; the message says why and what to do."""


def run_command(
    *,
    url: str,
    since: str | None,
    until: str | None,
    dry: bool,
    config: Path | None,
    state_dir: Path | None,
    address: Address,
    console: Console,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """The import into the history of the proxy at *address*, or in *state_dir*.

    Raises:
        ImportProblemError: settings, spend log or history do not allow it.
    """
    try:
        patient = read_patient(config, environ) if config is not None else None
        section = patient.section("callback_settings") if patient is not None else {}
        known = patient.environ if patient is not None else environ
        settings = read_settings(section.get("litellm_obs"), known)
    except (UnreadableError, SettingsError) as error:
        raise ImportProblemError(str(error)) from error
    places = default_state_dirs(address, environ)
    default = next((one for one in places if (one / FILE).exists()), places[0])
    import_spend_logs(
        url=url,
        directory=state_dir or settings.state_dir or default,
        keep_s=settings.history.retention.seconds(),
        max_series=settings.max_series,
        since=since,
        until=until,
        dry=dry,
        price_of=compat.model_price,
        console=console,
    )


def import_spend_logs(
    *,
    url: str,
    directory: Path,
    keep_s: Mapping[int, float],
    max_series: int,
    since: str | None,
    until: str | None,
    dry: bool,
    price_of: PriceOf,
    console: Console,
    clock: Callable[[], float] = time.time,
) -> Total:
    """Fill the history in *directory* from the spend log at *url*, and say so on *console*.

    Raises:
        ImportProblemError: something is wrong with either.
    """
    now = clock()
    first, last = _range(since, until, now=now, longest_s=keep_s[HOUR_S])
    if not (directory / FILE).exists():
        msg = f"no history in {directory}: start the proxy first, or say --state-dir"
        raise ImportProblemError(msg)
    try:
        with SpendLog(url) as log:
            store = Store(open_file(directory, checked=False))
            try:
                past = PastHours(store=store, name=read_name(directory), keep_s=keep_s, now=now)
                plan = make_plan(log, past, since=first, until=last)
                _tell_plan(plan, console)
                total = _run(plan, log, past, price_of, max_series, console, dry)
            finally:
                store.close()
    except SpendLogError as error:
        raise ImportProblemError(f"the spend log: {error}") from error
    except LookupError as error:
        raise ImportProblemError(f"{error.args[0]}: wait half a minute, then try again") from error
    except (sa.exc.DatabaseError, OSError) as error:
        msg = f"the history in {directory}: {reason_of(error)}; run it again to go on"
        raise ImportProblemError(msg) from error
    _tell_total(total, console, dry=dry)
    return total


def _range(
    since: str | None, until: str | None, *, now: float, longest_s: float
) -> tuple[float, float]:
    """From and to when, seconds since the epoch; no longer ago than history is kept.

    Raises:
        ImportProblemError: they are no instants, or not in order.
    """
    oldest = now - longest_s
    try:
        asked = parse_query(since=since, until=until, now=now)
    except QueryError as error:
        msg = f"--{error.field}: expected {error.expected}, got {error.got!r}"
        raise ImportProblemError(msg) from error
    first = asked.since if asked.since is not None else oldest
    return max(first, oldest), asked.until if asked.until is not None else now


def _run(
    plan: Plan,
    log: SpendLog,
    past: PastHours,
    price_of: PriceOf,
    max_series: int,
    console: Console,
    dry: bool,
) -> Total:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not plan.rows) as progress:
        task = progress.add_task("requests", total=plan.rows)

        def advance(rows: int) -> None:
            progress.advance(task, rows)

        tally = Tally(max_series=max_series)
        return run_plan(plan, log, past, price_of=price_of, tally=tally, advance=advance, dry=dry)


def _tell_plan(plan: Plan, console: Console) -> None:
    console.print(
        f"The plugin's own history begins {_day(plan.begun_at)}; before it, the spend log has"
        f" {plan.rows:,} requests in {len(plan.hours):,} hours that are not in it yet"
        f" ({plan.known:,} hours are)."
    )


def _tell_total(total: Total, console: Console, *, dry: bool) -> None:
    console.print(
        f"{'Would import' if dry else 'Imported'} {total.requests:,} requests of"
        f" {total.hours:,} hours: {total.tokens:,} tokens, {total.cost_usd:,.6f} US dollars."
        + (f" Left out {total.skipped:,} health checks." if total.skipped else "")
    )


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
