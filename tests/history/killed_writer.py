"""Counts and writes until it is killed: ``killed_writer.py <state directory> <start>``."""

import sys
from pathlib import Path

from tests.history.house import House


def main() -> None:
    house = House(Path(sys.argv[1]))
    house.now = float(sys.argv[2])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        house.count(0.1, 0.5)
        house.sleep(10.05)
        house.write()
        house.count(0.9)


main()
