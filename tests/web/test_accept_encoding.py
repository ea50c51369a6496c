import pytest

from exporter.web.app import accepts_gzip


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("identity", False),
        ("*", True),
        ("*, gzip;q=0", False),
        ("*;q=0", False),
        ("gzip;q=much", True),
        ("br;q=1, ;;,,", False),
    ],
)
def test_gzip_is_sent_only_to_those_who_take_it(header, accepted):
    assert accepts_gzip(header) is accepted
