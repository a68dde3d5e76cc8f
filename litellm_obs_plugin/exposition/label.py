"""Label pairs as both text formats write them."""

from functools import lru_cache

from litellm_obs_plugin.metrics.catalog import Labels


def escape(value: str) -> str:
    """*value* as it stands between the quotes of a label."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


# A process shows the same series scrape after scrape; the bound is a busy page of our own.
@lru_cache(maxsize=1 << 15)
def pairs(names: Labels, values: Labels) -> str:
    """`name="value"` pairs, without braces."""
    return ",".join(f'{name}="{escape(value)}"' for name, value in zip(names, values, strict=True))


def braced(inside: str) -> str:
    """*inside* in braces, or nothing when there is nothing inside."""
    return f"{{{inside}}}" if inside else ""
