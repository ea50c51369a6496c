from exporter import catalog
from exporter.samples import Samples

ACTIVE = catalog.ACTIVE_USERS.at("7d")
OF_COURSE = catalog.COURSE_ACTIVE_USERS.at("7d")
VIDEOS = catalog.VIDEO_COMPLETIONS.at("7d")


def values(samples):
    return {(metric.name, *labels): v for metric, rows in samples for labels, v in rows.items()}


def test_a_value_that_was_not_given_makes_no_sample_and_a_zero_does():
    samples = Samples()
    samples.add(ACTIVE, None)
    samples.add(VIDEOS, 0)
    assert values(samples) == {("iblai_video_completions_7d",): 0}


def test_a_label_set_exists_once_whatever_the_api_repeats():
    samples = Samples()
    samples.add(OF_COURSE, 3, "bio")
    samples.add(OF_COURSE, 4, "bio")
    assert values(samples) == {("iblai_course_active_users_7d", "bio"): 4}


def test_small_groups_of_people_are_withheld_and_other_counts_and_zeros_stay():
    samples = Samples()
    samples.add(ACTIVE, 4)
    samples.add(OF_COURSE, 5, "five")
    samples.add(OF_COURSE, 4, "four")
    samples.add(OF_COURSE, 0, "none")
    samples.add(VIDEOS, 1)
    assert samples.withhold(below=5) == 2
    assert values(samples) == {
        ("iblai_course_active_users_7d", "five"): 5,
        ("iblai_course_active_users_7d", "none"): 0,
        ("iblai_video_completions_7d",): 1,
    }


def free(_part):
    return 0


def test_figures_of_the_org_outlive_those_of_its_courses_when_the_limit_cuts():
    samples = Samples()
    for course in range(10):
        samples.add(OF_COURSE, course, str(course))
    samples.add(ACTIVE, 7)
    assert samples.truncate(4, parts=100, toll=free) == 7
    assert len(samples) == 4
    assert values(samples)["iblai_active_users_7d",] == 7


def test_courses_have_a_limit_of_their_own_within_the_limit():
    samples = Samples()
    for course in range(10):
        samples.add(OF_COURSE, course, str(course))
    samples.add(ACTIVE, 7)
    assert samples.truncate(100, parts=2, toll=free) == 8
    assert len(samples) == 3


def test_a_course_is_kept_whole_or_not_at_all():
    samples = Samples()
    for course in "abc":
        for window in ("1d", "7d"):
            samples.add(catalog.COURSE_ACTIVE_USERS.at(window), 1, course)
    assert samples.truncate(100, parts=5, toll=lambda _: 1) == 4
    assert samples.parts() == {("a",): 2}


def test_even_the_orgs_own_figures_end_at_the_limit():
    samples = Samples()
    samples.add(ACTIVE, 7)
    samples.add(VIDEOS, 7)
    assert samples.truncate(1, parts=0, toll=free) == 1
    assert values(samples) == {("iblai_active_users_7d",): 7}


def test_nothing_is_cut_within_the_limit():
    samples = Samples()
    samples.add(OF_COURSE, 1, "a")
    assert samples.truncate(1, parts=1, toll=free) == 0
    assert len(samples) == 1
