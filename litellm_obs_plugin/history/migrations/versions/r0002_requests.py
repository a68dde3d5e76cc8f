"""Requests one by one.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "litellm_obs_request",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("instance_id", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("received_at", sa.Double, nullable=False),
        sa.Column("slow", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("model_group", sa.Text),
        sa.Column("model", sa.Text),
        sa.Column("provider", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("team", sa.Text),
        sa.Column("key_alias", sa.Text),
        sa.Column("duration_ms", sa.Double),
        sa.Column("cost_usd", sa.Double),
        sa.Column("entry", sa.Text, nullable=False),
        sa.UniqueConstraint("instance_id", "digest"),
    )
    op.create_index(
        "litellm_obs_request_received", "litellm_obs_request", ["instance_id", "received_at"]
    )
