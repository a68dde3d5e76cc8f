"""Numbers as Prometheus writes them."""

_UNLIKE_PYTHON = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


def format_number(value: float) -> str:
    """The shortest text that reads back as *value*, as Go and prometheus_client write it."""
    text = repr(float(value))
    if -1e6 < value < 1e6:
        return text
    point = text.find(".")
    if value > 0 and point > 6:
        mantissa = f"{text[0]}.{text[1:point]}{text[point + 1 :]}".rstrip("0.")
        return f"{mantissa}e+{point - 1:02d}"
    return _UNLIKE_PYTHON.get(text, text)
