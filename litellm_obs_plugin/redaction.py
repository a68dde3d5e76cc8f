"""What looks like a secret in a text that people or other systems get to see."""

import re

HIDDEN = "***"

_SECRETS = re.compile(
    r"""
      (?P<named> (?i: (?: api[_-]?key | access[_-]?key(?:[_-]?id)? | client[_-]?secret
          | secret(?:[_-]?access)?[_-]?key | (?:access|auth|refresh|session|security)[_-]?token
          | passwd | password | authorization | signature
          | (?: key | token ) \s provided )
        ["']? \s*[:=]\s* ["']? )) (?! (?i: bearer | basic ) \s ) [^\s"',;&]{4,}
    | (?P<spaced> (?i: api[_-]?key \s+ )) (?=[\w\-.]*\d) [\w\-.]{4,}
    | (?P<scheme> \b (?i: bearer | basic ) \s+ ) [\w\-.+/=~]{8,}
    | (?P<query> [?&] (?i: key | sig | code | token | secret ) = ) [^\s"'&]+
    | (?P<user> :// ) [^\s"'/@]+ (?=@)
    | (?P<prefix> \b (?: sk- | pk-lf- | rk- | gsk_ | xai- | hf_ | r8_ | pplx- | nvapi- | gh[opsu]_
        | github_pat_ | glpat- | xox[abeprs]- | AIza | AKIA | ASIA | ya29\. | eyJ | c2st ))
      [\w\-.+/=]{4,}
    | \b (?=\w{0,99}\d) (?=\w{0,99}[a-z]) (?=\w{0,99}[A-Z]) [\w+]{40,} ={0,2}
    """,
    re.VERBOSE,
)


def hide_secrets(text: str) -> str:
    """*text* with ``***`` for keys, tokens, passwords and what else looks like one."""
    return _SECRETS.sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    return (found[found.lastgroup] if found.lastgroup is not None else "") + HIDDEN
