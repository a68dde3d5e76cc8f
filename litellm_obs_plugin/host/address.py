"""Where this proxy listens, as its command line and environment say: the key of its state."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_DEFAULT_HOST = "0.0.0.0"
_DEFAULT_PORT = "4000"


@dataclass(frozen=True, slots=True)
class Address:
    """What the proxy was told to listen on."""

    host: str
    port: str

    @property
    def directory_name(self) -> str:
        text = f"{self.host}-{self.port}"
        return "".join(c if c.isalnum() or c in "-." else "_" for c in text)


def read_address(argv: Sequence[str], environ: Mapping[str, str]) -> Address:
    """The address in ``litellm``'s arguments (workers inherit them), else its variables, else its
    defaults.
    """
    host = _option(argv, "--host") or environ.get("HOST") or _DEFAULT_HOST
    port = _option(argv, "--port") or environ.get("PORT") or _DEFAULT_PORT
    return Address(host, port)


def default_state_dirs(address: Address, environ: Mapping[str, str]) -> tuple[Path, Path]:
    """Where the state of the proxy at *address* belongs, and where it goes if that is read-only."""
    home = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME", "/")) / ".local" / "state"
    user = os.getuid() if hasattr(os, "getuid") else environ.get("USERNAME", "user")
    return (
        Path(home) / "litellm-obs" / address.directory_name,
        Path(tempfile.gettempdir()) / f"litellm-obs-{user}" / address.directory_name,
    )


def _option(argv: Sequence[str], name: str) -> str | None:
    for at, argument in enumerate(argv):
        if argument == name and at + 1 < len(argv):
            return argv[at + 1]
        if argument.startswith(name + "="):
            return argument.partition("=")[2]
    return None
