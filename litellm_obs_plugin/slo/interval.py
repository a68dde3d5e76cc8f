"""How sure a share is that was counted on few."""

import math

_Z = 1.96  # 95 %, both sides


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Between which shares the true one lies with 95 % confidence.

    Source: Wilson, Probable Inference, J. Am. Stat. Assoc. 22 (1927).
    """
    if whole <= 0:
        return 0.0, 1.0
    share, z2 = part / whole, _Z * _Z / whole
    middle = share + z2 / 2
    spread = _Z * math.sqrt((share * (1 - share) + z2 / 4) / whole)
    return max((middle - spread) / (1 + z2), 0.0), min((middle + spread) / (1 + z2), 1.0)
