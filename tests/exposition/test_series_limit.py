"""Which courses `series_limit` keeps."""

from exporter.exposition.visible import limit


def test_a_new_course_that_grows_takes_no_place_from_one_that_was_served_before():
    courses = {(f"c{number}",): 10 for number in range(1, 4)}
    first = limit([courses], at_most=25, before=())
    assert list(first.parts) == [("c1",), ("c2",)]
    newer = limit([courses, {("c0",): 4}], at_most=25, before=first.parts)
    assert set(newer.parts) == {("c0",), ("c1",), ("c2",)}
    grown = limit([courses, {("c0",): 10}], at_most=25, before=newer.parts)
    assert set(grown.parts) == {("c1",), ("c2",)}
    assert grown.dropped == 20
