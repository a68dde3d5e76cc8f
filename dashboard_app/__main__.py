"""``python -m dashboard_app``."""

import argparse
import os
import sys
from collections.abc import Sequence

from dashboard_app.config import Config, ConfigError, check, read_secrets


def parse(argv: Sequence[str]) -> Config:
    """The command line and the environment.

    Raises:
        ConfigError: a value cannot be used.
    """
    parser = argparse.ArgumentParser(prog="dashboard_app", description=__doc__)
    parser.add_argument(
        "--gateway-url", default=os.environ.get("GATEWAY_URL", "http://127.0.0.1:4000")
    )
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5006)
    parser.add_argument("--prefix", default="")
    parser.add_argument(
        "--origin", action="append", default=[], help="host:port of a browser's address"
    )
    parser.add_argument("--interval", type=float, default=2.0, help="seconds between readings")
    parser.add_argument("--max-pages", type=int, default=100, help="pages open at once")
    parser.add_argument(
        "--frame-ancestor", action="append", default=[], help="origin that may show it in a frame"
    )
    given = parser.parse_args(argv)
    config = Config(
        gateway_url=given.gateway_url.rstrip("/"),
        address=given.address,
        port=given.port,
        prefix=given.prefix,
        origins=tuple(given.origin),
        interval_s=given.interval,
        pages=given.max_pages,
        frame_ancestors=tuple(given.frame_ancestor),
        **read_secrets(os.environ),
    )
    check(config)
    return config


def main() -> None:
    """Serve the dashboard."""
    try:
        config = parse(sys.argv[1:])
    except ConfigError as error:
        sys.exit(str(error))
    from dashboard_app.serve import serve

    serve(config)


if __name__ == "__main__":
    main()
