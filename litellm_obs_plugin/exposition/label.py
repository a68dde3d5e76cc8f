"""Label pairs as both text formats write them."""

from functools import lru_cache

from litellm_obs_plugin.metrics.catalog import Labels


def escape(value: str) -> str:
    """*value* as it stands between the quotes of a label."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def pairs(names: Labels, values: Labels) -> str:
    """`name="value"` pairs, without braces."""
    return ",".join([f'{n}="{escape(v)}"' for n, v in zip(names, values, strict=True)])


# A process shows the same series scrape after scrape; the bound is a very busy page.
@lru_cache(maxsize=1 << 15)
def braced(names: Labels, values: Labels) -> str:
    """The pairs in braces, or nothing when there are none."""
    return f"{{{pairs(names, values)}}}" if names else ""
