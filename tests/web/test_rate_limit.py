from exporter.web.rate_limit import RateLimit, TokenBucket


def test_a_burst_is_admitted_and_then_one_request_per_interval(clock):
    bucket, limit = TokenBucket(clock.monotonic), RateLimit(interval=10, burst=3)
    assert [bucket.allow(limit) for _ in range(4)] == [True, True, True, False]
    clock.advance(9)
    assert not bucket.allow(limit)
    clock.advance(1)
    assert [bucket.allow(limit) for _ in range(2)] == [True, False]
    clock.advance(1000)
    assert [bucket.allow(limit) for _ in range(4)] == [True, True, True, False]


def test_no_limit_admits_everything_and_a_new_one_holds_at_once(clock):
    bucket = TokenBucket(clock.monotonic)
    assert all(bucket.allow(None) for _ in range(100))
    assert [bucket.allow(RateLimit(1, 1)) for _ in range(2)] == [True, False]


def test_no_burst_admits_nothing_as_in_the_exporter_toolkit(clock):
    bucket = TokenBucket(clock.monotonic)
    clock.advance(100)
    assert not bucket.allow(RateLimit(1, 0))
