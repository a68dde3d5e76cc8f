"""Instances, series, rows, intervals and the writer's baseline.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "litellm_obs_instance",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
        sa.Column("ready_10", sa.BigInteger, nullable=False),
        sa.Column("ready_60", sa.BigInteger, nullable=False),
        sa.Column("ready_3600", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "litellm_obs_series",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("metric", sa.String(80), nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.UniqueConstraint("metric", "labels"),
    )
    op.create_table(
        "litellm_obs_row",
        *_key("instance_id", "step_s", "series_id"),
        sa.Column("t", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("zero", sa.BigInteger, nullable=False),
        sa.Column("low", sa.Double),
        sa.Column("high", sa.Double),
        sa.Column("bins", sa.LargeBinary),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "litellm_obs_interval",
        *_key("instance_id", "step_s"),
        sa.Column("t", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("covered_s", sa.Double, nullable=False),
        sa.Column("workers", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "litellm_obs_baseline",
        *_key("series_id"),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("cells", sa.LargeBinary),
    )
    op.create_table(
        "litellm_obs_baseline_at",
        *_key("instance_id"),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
    )


def _key(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, primary_key=True, autoincrement=False) for name in names]
