"""What the doctor says."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """*subject* is what was looked at; *remedy* is one line, empty when there is nothing to do."""

    subject: str
    level: Level
    message: str
    remedy: str = ""


def ok(subject: str, message: str) -> Finding:
    return Finding(subject=subject, level=Level.OK, message=message)


def warn(subject: str, message: str, remedy: str) -> Finding:
    return Finding(subject=subject, level=Level.WARN, message=message, remedy=remedy)


def fail(subject: str, message: str, remedy: str) -> Finding:
    return Finding(subject=subject, level=Level.FAIL, message=message, remedy=remedy)
