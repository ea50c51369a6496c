import pytest

from exporter.web.route_prefix import route_prefix


@pytest.mark.parametrize(
    ("external_url", "configured", "prefix"),
    [
        (None, None, ""),
        ("https://metrics.example", None, ""),
        ("https://metrics.example/iblai", None, "/iblai"),
        ("https://metrics.example/a/b", None, "/a/b"),
        ("https://metrics.example/iblai", "/other/", "/other"),
        ("https://metrics.example/iblai", "/", ""),
        (None, "/iblai", "/iblai"),
    ],
)
def test_the_prefix_is_the_path_of_the_external_url_unless_it_is_set(
    external_url, configured, prefix
):
    assert route_prefix(external_url=external_url, configured=configured) == prefix
