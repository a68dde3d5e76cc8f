"""The page a scrape gets: our families, then those of the host's own registry."""

from collections.abc import Collection

from litellm_obs_plugin.exposition import built_in, openmetrics, protobuf, text
from litellm_obs_plugin.exposition.built_in import ClientFamilies
from litellm_obs_plugin.exposition.negotiation import Format
from litellm_obs_plugin.metrics.sketch import SCHEMA
from litellm_obs_plugin.metrics.snapshot import Snapshot


def render(
    snapshot: Snapshot,
    format: Format,
    *,
    names: Collection[str] = (),
    schema: int = SCHEMA,
    max_buckets: int = protobuf.MAX_BUCKETS,
    others: ClientFamilies = (),
) -> bytes:
    """The page in *format*, or only the families called one of *names*.

    *others* follow in the same format, but for those with a name of ours. *schema* and
    *max_buckets* bound the native histograms that only protobuf has.
    """
    foreign = built_in.select_foreign(others, names=names)
    match format:
        case Format.TEXT:
            return text.render(snapshot, names=names) + built_in.render_text(foreign)
        case Format.OPENMETRICS:
            ours = openmetrics.render_families(snapshot, names=names)
            return ours + built_in.render_openmetrics(foreign) + openmetrics.EOF
        case Format.PROTOBUF:
            ours = protobuf.render(snapshot, names=names, schema=schema, max_buckets=max_buckets)
            return ours + built_in.render_protobuf(foreign)
