"""LiteLLM's table of finished requests, read from its own PostgreSQL, an hour at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    import psycopg

TABLE = "LiteLLM_SpendLogs"
_NEEDED = ("request_id", "startTime", "endTime", "spend", "prompt_tokens", "completion_tokens")
_WANTED = (
    *("call_type", "model", "model_id", "model_group", "custom_llm_provider", "cache_hit"),
    *("completionStartTime", "status", "team_id", "request_tags", "metadata"),
)
_AT_ONCE = 2_000
# Prisma's own parameters of a URL, which libpq refuses.
_OF_PRISMA = frozenset(
    {
        *("connection_limit", "pool_timeout", "socket_timeout", "pgbouncer"),
        *("statement_cache_size", "sslidentity", "sslpassword", "sslaccept"),
    }
)
# A request counts when it ended. What ends before it began, or an hour later, does not say when.
_INSTANT = """GREATEST("startTime", LEAST("endTime", "startTime" + interval '1 hour'))"""
_BETWEEN = f"""
 "startTime" >= to_timestamp(%(start)s) AT TIME ZONE 'UTC' - interval '1 hour'
 AND "startTime" < to_timestamp(%(end)s) AT TIME ZONE 'UTC'
 AND {_INSTANT} >= to_timestamp(%(start)s) AT TIME ZONE 'UTC'
 AND {_INSTANT} < to_timestamp(%(end)s) AT TIME ZONE 'UTC'
"""


class SpendLogError(Exception):
    """The spend log cannot be read; the message says why, without a password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """*ended_at* is when it counts, seconds since the epoch."""

    ended_at: float
    values: Mapping[str, Any]


class SpendLog:
    """For one thread; close it."""

    def __init__(self, url: str) -> None:
        """Connect.

        Raises:
            SpendLogError: no PostgreSQL answers there, or it has no such table.
        """
        try:
            import psycopg
        except ImportError as error:
            msg = "psycopg is not installed; install litellm-obs-plugin[postgres]"
            raise SpendLogError(msg) from error
        address, schema = read_url(url)
        self._error = psycopg.Error
        options = "-c default_transaction_read_only=on -c TimeZone=UTC"
        if schema:
            options += f" -c search_path={schema}"
        usual = {"connect_timeout": "10", "application_name": "litellm-obs import"}
        try:
            told = psycopg.conninfo.make_conninfo(**{**usual, **address, "options": options})
            self._connection = psycopg.connect(told)
        except psycopg.Error as error:
            raise SpendLogError(f"it does not answer: {_reason(error)}") from None
        try:
            self._columns = self._find_columns()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> "SpendLog":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def hours(self, *, start: float, end: float) -> dict[int, int]:
        """How many rows each hour has, by its start; the newest first.

        Raises:
            SpendLogError: it cannot be read.
        """
        query = (
            f"SELECT floor(extract(epoch FROM {_INSTANT}) / 3600)::bigint * 3600, count(*)"
            f' FROM "{TABLE}" WHERE {_BETWEEN} GROUP BY 1 ORDER BY 1 DESC'
        )
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                found = cursor.execute(query, {"start": start, "end": end}).fetchall()
        except self._error as error:
            raise SpendLogError(f"it cannot be read: {_reason(error)}") from error
        return {int(t): int(count) for t, count in found}

    def rows(self, *, start: float, end: float) -> Iterator[Row]:
        """The requests that ended from *start* on, before *end*, in that order.

        Raises:
            SpendLogError: it cannot be read.
        """
        from psycopg.rows import dict_row

        names = ", ".join(f'"{name}"' for name in self._columns)
        query = (
            f"SELECT {names}, extract(epoch FROM {_INSTANT})::double precision AS ended_at"
            f' FROM "{TABLE}" WHERE {_BETWEEN} ORDER BY ended_at, request_id'
        )
        try:
            with (
                self._connection.transaction(),
                self._connection.cursor("spend", row_factory=dict_row) as cursor,
            ):
                cursor.itersize = _AT_ONCE
                for values in cursor.execute(query, {"start": start, "end": end}):
                    yield Row(ended_at=values["ended_at"], values=values)
        except self._error as error:
            raise SpendLogError(f"it cannot be read: {_reason(error)}") from error

    def _find_columns(self) -> list[str]:
        """Those that this version of LiteLLM has.

        Raises:
            SpendLogError: there is no such table, it is not LiteLLM's, or may not be read.
        """
        query = (
            "SELECT attname, has_table_privilege(attrelid, 'SELECT') FROM pg_attribute"
            " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
        )
        try:
            with self._connection.transaction():
                found: dict[str, bool] = dict(
                    self._connection.execute(query, (f'"{TABLE}"',)).fetchall()
                )
        except self._error as error:
            raise SpendLogError(f"it cannot be read: {_reason(error)}") from error
        if not found:
            msg = f'there is no table "{TABLE}": expected the database that LiteLLM itself uses'
            raise SpendLogError(msg)
        if not all(found.values()):
            user = self._connection.info.user
            raise SpendLogError(f'the user {user!r} may not read the table "{TABLE}"')
        missing = [name for name in _NEEDED if name not in found]
        if missing:
            raise SpendLogError(f'"{TABLE}" has no column {", ".join(missing)}')
        return [name for name in (*_NEEDED, *_WANTED) if name in found]


def read_url(url: str) -> tuple[dict[str, str], str]:
    """What libpq is to be told of *url*, and the schema that Prisma is told of in it, or "".

    Raises:
        SpendLogError: it is no PostgreSQL URL.
    """
    msg = (
        "expected a URL such as postgresql://user:password@host:5432/database; special"
        " characters of a password are written as %40, %2F and so on"
    )
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise SpendLogError(msg) from None  # its own words may hold a part of the password
    if parts.scheme.partition("+")[0] not in ("postgres", "postgresql") or parts.fragment:
        raise SpendLogError(msg)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    schema = given.pop("schema", "")
    if not all(c.isalnum() or c == "_" for c in schema):
        raise SpendLogError(f"schema: expected a plain name, got {schema!r}")
    told = {
        "host": parts.hostname or "",
        "port": str(port or ""),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "dbname": unquote(parts.path.lstrip("/")),
        **{name: value for name, value in given.items() if name not in _OF_PRISMA},
    }
    return {name: value for name, value in told.items() if value}, schema


def _reason(error: "psycopg.Error") -> str:
    """The first line of what it says, which never has the password."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
