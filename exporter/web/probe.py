"""The answer of /probe: one org's gauges, and whether the org is up."""

from isal import isal_zlib

from exporter.exposition import Format

_EOF = b"# EOF\n"
_LEVEL = 1
_GZIP = 31  # the width of the window, plus 16: gzip and not zlib

_FAMILY = (
    b"# HELP probe_success Whether the org is up (iblai_up): "
    b"at least one collector succeeded at its last attempt.\n"
    b"# TYPE probe_success gauge\n"
    b"probe_success %d\n"
)


def with_success(text: bytes, form: Format, *, up: bool, gzip: bool) -> bytes:
    """Return an org's page with `probe_success` at its end, compressed if `gzip`."""
    family = _FAMILY % up
    if form is Format.OPENMETRICS:
        text = text.removesuffix(_EOF) + family + _EOF
    else:
        text += family
    return isal_zlib.compress(text, _LEVEL, _GZIP) if gzip else text
