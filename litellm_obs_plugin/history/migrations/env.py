"""Alembic runs this; :func:`litellm_obs_plugin.history.database.migrate` gives the connection."""

from alembic import context

from litellm_obs_plugin.history.database import VERSION_TABLE
from litellm_obs_plugin.history.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
