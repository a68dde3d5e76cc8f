"""The tables. Alembic's first revision makes the same; a test compares them.

A row belongs to one instance (a proxy with its workers), one step and one series. An interval says
that an instance watched a step, also when nothing happened in it: without one the step is a gap.
"""

import json

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from litellm_obs_plugin.metrics.layout import SeriesName as SeriesName

metadata = MetaData()

instance = Table(
    "litellm_obs_instance",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("host", Text, nullable=False),
    Column("seen_at", Double, nullable=False),
    # Until when rows of each step are whole: of the finest, what has arrived here.
    Column("ready_10", BigInteger, nullable=False, default=0),
    Column("ready_60", BigInteger, nullable=False, default=0),
    Column("ready_3600", BigInteger, nullable=False, default=0),
)
series = Table(
    "litellm_obs_series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("metric", String(80), nullable=False),
    Column("labels", Text, nullable=False),
    UniqueConstraint("metric", "labels"),
)
row = Table(
    "litellm_obs_row",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("step_s", Integer, primary_key=True, autoincrement=False),
    Column("series_id", Integer, primary_key=True, autoincrement=False),
    Column("t", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Double, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("zero", BigInteger, nullable=False),
    Column("low", Double),
    Column("high", Double),
    Column("bins", LargeBinary),
    sqlite_with_rowid=False,
)
interval = Table(
    "litellm_obs_interval",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("step_s", Integer, primary_key=True, autoincrement=False),
    Column("t", BigInteger, primary_key=True, autoincrement=False),
    Column("covered_s", Double, nullable=False),
    Column("workers", Integer, nullable=False),
    sqlite_with_rowid=False,
)
# What the writer had seen when it wrote last: the next rows are what came since.
baseline = Table(
    "litellm_obs_baseline",
    metadata,
    Column("series_id", Integer, primary_key=True, autoincrement=False),
    Column("value", Double, nullable=False),
    Column("cells", LargeBinary),
)
baseline_at = Table(
    "litellm_obs_baseline_at",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("started_at", Double, nullable=False),
)

# A finished request as the ledger shows it, with what it is found and sorted by.
request = Table(
    "litellm_obs_request",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("instance_id", Integer, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("received_at", Double, nullable=False),
    Column("slow", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("model_group", Text),
    Column("model", Text),
    Column("provider", Text),
    Column("outcome", Text),
    Column("team", Text),
    Column("key_alias", Text),
    Column("duration_ms", Double),
    Column("cost_usd", Double),
    Column("entry", Text, nullable=False),
    UniqueConstraint("instance_id", "digest"),
    Index("litellm_obs_request_received", "instance_id", "received_at"),
)

# When our own rows begin; what is imported ended before.
imported = Table(
    "litellm_obs_import",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("begun_at", Double, nullable=False),
)
# Hours whose requests are in the rows, also when there were none.
imported_hour = Table(
    "litellm_obs_import_hour",
    metadata,
    Column("instance_id", Integer, primary_key=True, autoincrement=False),
    Column("t", BigInteger, primary_key=True, autoincrement=False),
    Column("requests", BigInteger, nullable=False),
)


def read_labels(text: str) -> tuple[str, ...]:
    """The label values of a series, in the catalogue's order."""
    return tuple(json.loads(text))


def write_labels(labels: tuple[str, ...]) -> str:
    return json.dumps(labels)
