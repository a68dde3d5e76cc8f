from pathlib import Path

import pytest

from litellm_obs_plugin.host.address import Address, default_state_dirs, read_address


@pytest.mark.parametrize(
    ("argv", "environ", "expected"),
    [
        ([], {}, Address("0.0.0.0", "4000")),
        (["litellm", "--port", "4001"], {}, Address("0.0.0.0", "4001")),
        (["litellm", "--port=4001", "--host=::1"], {}, Address("::1", "4001")),
        (["litellm", "--host", "127.0.0.1"], {"PORT": "80"}, Address("127.0.0.1", "80")),
        (["litellm", "--port", "4001"], {"PORT": "80"}, Address("0.0.0.0", "4001")),
        (["litellm", "--port"], {"HOST": "h"}, Address("h", "4000")),
        (["litellm", "--port="], {"PORT": "80"}, Address("0.0.0.0", "80")),
        (["litellm", "--portal", "1"], {}, Address("0.0.0.0", "4000")),
    ],
)
def test_where_the_proxy_listens(argv, environ, expected):
    """As the host reads it: its arguments, then its variables, then its defaults."""
    assert expected == read_address(argv, environ)


@pytest.mark.parametrize(
    ("host", "name"),
    [("127.0.0.1", "127.0.0.1-4000"), ("::1", "__1-4000"), ("../../etc", ".._.._etc-4000")],
)
def test_the_directory_is_one_name(host, name):
    """No host name leads out of the state directory."""
    assert name == Address(host, "4000").directory_name


def test_the_state_belongs_to_the_user():
    preferred, fallback = default_state_dirs(Address("h", "1"), {"HOME": "/home/ada"})

    assert Path("/home/ada/.local/state/litellm-obs/h-1") == preferred
    assert ("h-1", True) == (fallback.name, fallback.parent.name.startswith("litellm-obs-"))


def test_the_state_goes_where_xdg_says():
    environ = {"HOME": "/home/ada", "XDG_STATE_HOME": "/var/state"}

    preferred, _ = default_state_dirs(Address("h", "1"), environ)

    assert Path("/var/state/litellm-obs/h-1") == preferred
