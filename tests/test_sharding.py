import os
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.sharding import Shard, jump, shard_of

KEYS = st.text(min_size=1)
ORGS = [f"org-{number:05}" for number in range(10_000)]


@given(KEYS, st.integers(1, 200))
def test_every_org_is_kept_by_exactly_one_shard(org, of):
    assert sum(Shard(ordinal, of).keeps(org) for ordinal in range(of)) == 1


@given(KEYS, st.integers(1, 2_000))
def test_one_shard_more_takes_orgs_and_moves_none_between_the_others(org, of):
    assert shard_of(org, of + 1) in {shard_of(org, of), of}


@pytest.mark.parametrize("of", [1, 2, 3, 9, 31, 99])
def test_one_shard_more_moves_no_more_orgs_than_its_share(of):
    moved = sum(shard_of(org, of) != shard_of(org, of + 1) for org in ORGS)
    share = len(ORGS) / (of + 1)
    assert 0 < moved < share + 4 * share**0.5


@pytest.mark.parametrize("of", [2, 3, 10, 30, 100])
def test_shards_have_about_as_many_orgs_each(of):
    counts = Counter(shard_of(org, of) for org in ORGS)
    share = len(ORGS) / of
    assert set(counts) == set(range(of))
    assert max(abs(count - share) for count in counts.values()) < 4 * share**0.5


def test_a_shard_alone_keeps_everything():
    assert all(Shard(0, 1).keeps(org) for org in ORGS[:100])


def test_an_org_never_changes_its_shard_between_releases():
    placed = {
        org: [shard_of(org, of) for of in (2, 3, 10, 1000)] for org in ("acme", "globex", "é")
    }
    assert placed == {
        "acme": [0, 2, 2, 164],
        "globex": [1, 2, 2, 901],
        "é": [0, 0, 3, 949],
    }


def test_another_process_places_orgs_the_same():
    program = (
        "from exporter.sharding import shard_of\n"
        "print([shard_of(f'org-{number}', 7) for number in range(40)])"
    )
    for seed in ("1", "2"):
        answer = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert answer.stdout.strip() == str([shard_of(f"org-{number}", 7) for number in range(40)])


@pytest.mark.parametrize(
    ("key", "buckets", "bucket"),
    [(1, 1, 0), (42, 57, 43), (0xDEAD10CC, 1, 0), (0xDEAD10CC, 666, 361), (256, 1024, 520)],
)
def test_jump_gives_what_other_implementations_give(key, buckets, bucket):
    assert jump(key, buckets) == bucket


@given(st.integers(1, 999_999).flatmap(lambda of: st.tuples(st.integers(0, of - 1), st.just(of))))
def test_a_shard_is_read_as_it_is_written(numbers):
    shard = Shard(*numbers)
    assert Shard.parse(str(shard)) == shard
    assert Shard.parse(f" {shard}\n") == shard


@pytest.mark.parametrize(
    "text",
    ["", "3", "/", "0/", "/3", "a/b", "-1/3", "0 / 3", "00/3", "0/03", "0/3/4", "٠/٣", "0/0"],
)
def test_what_is_no_shard_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="write N/M, such as 0/3"):
        Shard.parse(text)


@pytest.mark.parametrize("text", ["3/3", "7/3", "1/1"])
def test_a_shard_past_the_last_is_refused(text):
    with pytest.raises(
        ValueError, match=f"no shard {text[0]} of {text[2]}; they are counted from 0"
    ):
        Shard.parse(text)


@pytest.mark.parametrize(
    ("environ", "shard"),
    [
        ({}, None),
        ({"IBLAI_EXPORTER_SHARD": "", "IBLAI_EXPORTER_SHARDS": ""}, None),
        ({"HOSTNAME": "exporter-2"}, None),
        ({"IBLAI_EXPORTER_SHARD": "1/3"}, Shard(1, 3)),
        ({"IBLAI_EXPORTER_SHARD": "1/3", "HOSTNAME": "exporter-2"}, Shard(1, 3)),
        ({"IBLAI_EXPORTER_SHARD": "1/3", "IBLAI_EXPORTER_SHARDS": "3"}, Shard(1, 3)),
        ({"IBLAI_EXPORTER_SHARDS": "3", "HOSTNAME": "iblai-exporter-2"}, Shard(2, 3)),
        ({"IBLAI_EXPORTER_SHARDS": "12", "HOSTNAME": "iblai-exporter-10"}, Shard(10, 12)),
        (
            {"IBLAI_EXPORTER_SHARDS": "3", "POD_NAME": "exporter-0", "HOSTNAME": "node-1"},
            Shard(0, 3),
        ),
    ],
)
def test_the_environment_names_the_shard_or_none(environ, shard):
    assert Shard.from_environment(environ) == shard


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"IBLAI_EXPORTER_SHARD": "3"}, "IBLAI_EXPORTER_SHARD: is no shard"),
        ({"IBLAI_EXPORTER_SHARD": "3/3"}, "IBLAI_EXPORTER_SHARD: there is no shard 3 of 3"),
        ({"IBLAI_EXPORTER_SHARD": "0/3", "IBLAI_EXPORTER_SHARDS": "4"}, "disagree"),
        ({"IBLAI_EXPORTER_SHARDS": "many"}, "IBLAI_EXPORTER_SHARDS is no number"),
        ({"IBLAI_EXPORTER_SHARDS": "0"}, "IBLAI_EXPORTER_SHARDS is no number"),
        ({"IBLAI_EXPORTER_SHARDS": "3"}, "needs the name of a pod of a StatefulSet"),
        (
            {"IBLAI_EXPORTER_SHARDS": "3", "HOSTNAME": "exporter-6d4cf56db6-x7k2p"},
            "needs the name of a pod of a StatefulSet",
        ),
        ({"IBLAI_EXPORTER_SHARDS": "3", "HOSTNAME": "exporter-3"}, "exporter-3 is one too many"),
    ],
)
def test_an_environment_that_names_no_possible_shard_is_refused(environ, told):
    with pytest.raises(ValueError, match=told):
        Shard.from_environment(environ)
