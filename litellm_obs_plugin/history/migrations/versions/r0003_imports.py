"""What has been imported from before the plugin's own rows.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "litellm_obs_import",
        sa.Column("instance_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("begun_at", sa.Double, nullable=False),
    )
    op.create_table(
        "litellm_obs_import_hour",
        sa.Column("instance_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("t", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
    )
