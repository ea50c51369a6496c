import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.settings.units import duration, format_duration, format_size, size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("5m", 300),
        ("1h", 3600),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("2d", 172800),
        ("1w", 604800),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text, seconds):
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("300", "300 has no unit; write 5m or 300s"),
        ("5", "5 has no unit; write 5s for seconds or 5m for minutes"),
        ("0", "0 has no unit"),
        ("5 m", "write a number and a unit"),
        ("5min", "write a number and a unit"),
        ("1:30", "write a number and a unit"),
        ("m", "write a number and a unit"),
        ("", "write a number and a unit"),
        ("nan", "write a number and a unit"),
        ("٥m", "write a number and a unit"),
        ("-5m", "must not be negative"),
        ("0s", "must be more than 0"),
        ("367d", "at most 366d"),
        ("5m5m", "has a unit twice"),
    ],
)
def test_what_is_no_duration_is_refused_with_what_to_write(text, remedy):
    with pytest.raises(ValueError, match=remedy):
        duration(text)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("16MiB", 16777216), ("64KiB", 65536), ("10MB", 10_000_000), ("512B", 512), ("1.5 kB", 1500)],
)
def test_a_size_is_a_number_and_a_unit(text, amount):
    assert size(text) == amount


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("16777216", "has no unit; write 16MiB"),
        ("16", "has no unit; write 16MiB for mebibytes or 16B for bytes"),
        ("16Mb", "write a number and a unit"),
        ("-1MiB", "write a number and a unit"),
        ("0MiB", "must be more than 0"),
        ("2000GiB", "at most 1024GiB"),
    ],
)
def test_what_is_no_size_is_refused_with_what_to_write(text, remedy):
    with pytest.raises(ValueError, match=remedy):
        size(text)


@given(st.integers(1, 366 * 86400))
def test_a_duration_is_written_the_way_it_is_read(seconds):
    assert duration(format_duration(seconds)) == seconds


@given(st.integers(1, 2**40))
def test_a_size_is_written_the_way_it_is_read(amount):
    assert size(format_size(amount)) == amount


def test_a_duration_is_written_in_the_largest_unit_that_fits():
    assert [format_duration(s) for s in (300, 3600, 90, 0.5, 86400)] == [
        "5m",
        "1h",
        "90s",
        "500ms",
        "1d",
    ]


@given(st.text())
def test_any_text_is_a_duration_or_a_value_error(text):
    for read in (duration, size):
        try:
            assert read(text) > 0
        except ValueError as error:
            assert "write" in str(error) or "must" in str(error) or "twice" in str(error)  # noqa: PT017 - either is right
