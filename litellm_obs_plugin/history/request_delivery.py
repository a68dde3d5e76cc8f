"""Brings the requests one by one to the database that a fleet shares."""

from typing import Any

import sqlalchemy as sa

from litellm_obs_plugin.history import schema
from litellm_obs_plugin.history.roster import Instance, insert_new

_AT_ONCE = 500


class RequestDelivery:
    """Sends what came since *sent*, the last id that has arrived; what is there stays one.

    After a restart all that is kept is sent again, and found to be there.
    """

    def __init__(self) -> None:
        self.sent = 0

    def send(
        self, local: sa.Connection, mine: Instance, shared: sa.Connection, theirs: Instance
    ) -> int:
        """Write some of what waits; the last id of these, which is *sent* once it is committed."""
        request = schema.request.c
        ours = request.instance_id == mine.id
        newest = local.execute(sa.select(sa.func.max(request.id)).where(ours)).scalar() or 0
        start = self.sent if self.sent <= newest else 0  # all had gone, and ids began anew
        query = sa.select(schema.request).where(ours, request.id > start)
        found = local.execute(query.order_by(request.id).limit(_AT_ONCE)).mappings().all()
        if found:
            values = [_row(dict(one), theirs) for one in found]
            shared.execute(insert_new(shared, schema.request), values)
        return found[-1]["id"] if found else start


def is_full(before: int, after: int) -> bool:
    """Whether more may wait when the ids between were sent."""
    return after - before >= _AT_ONCE


def _row(values: dict[str, Any], theirs: Instance) -> dict[str, Any]:
    """As PostgreSQL can keep it: no text of its has a NUL."""
    del values["id"]
    shown = {k: v.replace("\0", "\ufffd") if isinstance(v, str) else v for k, v in values.items()}
    return {**shown, "instance_id": theirs.id}
