"""The history's keeper is loaded beside the proxy: neither may stop the other."""

import subprocess
import sys

PROGRAM = """
import sys
from litellm_obs_plugin.keeping import LateKeeper

class Late:
    def __del__(self):
        import wave  # as LiteLLM's own clients do when they are collected

sys.late = Late()

def make():
    import sqlalchemy.orm, alembic.command, schemathesis
    raise RuntimeError("enough")

LateKeeper(make, failed=print).start()
"""


def test_an_end_while_the_keeper_is_loaded():
    """A worker that is stopped at once ends: no import is left in the middle, whose lock stays."""
    for _ in range(3):
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, timeout=60, check=True, text=True
        )
        assert ended.stdout == "history\n"
