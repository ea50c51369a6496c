"""What a client accepts beyond the format: content encodings."""


def accepts_gzip(header: str) -> bool:
    """Tell whether an `Accept-Encoding` header allows gzip."""
    allowed = {}
    for clause in header.split(","):
        name, *parameters = (part.strip().lower() for part in clause.split(";"))
        refused = any(_is_zero(part) for part in parameters)
        allowed[name] = not refused
    return allowed.get("gzip", allowed.get("*", False))


def _is_zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    try:
        return name.strip() == "q" and float(value) == 0
    except ValueError:
        return False
