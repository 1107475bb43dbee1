import itertools
from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from structlog.testing import capture_logs

from hubbub.limiter import Bucket, Limiter, LocalLimiter
from hubbub.redis_client import make_redis

MINUTE = timedelta(minutes=1)
# Keys expire by Redis's own clock while the tests turn theirs: no interval is short.
BUCKETS = [
    Bucket("channel", count=1, per=MINUTE, burst=3),
    Bucket("number", count=1, per=timedelta(minutes=7), burst=1),
    Bucket("pair", count=3, per=timedelta(minutes=4), burst=5),
]
_runs = itertools.count()


@pytest.fixture(params=["fake_redis", "valkey"])
def redis(request):
    return request.getfixturevalue(request.param)


class Tokens:
    """The same limits told otherwise: buckets of tokens that fill up, with exact numbers."""

    def __init__(self) -> None:
        self.tokens = {bucket.key: Fraction(bucket.burst) for bucket in BUCKETS}

    def passes(self, microseconds: int) -> None:
        for bucket in BUCKETS:
            filled = self.tokens[bucket.key] + Fraction(microseconds, bucket.interval)
            self.tokens[bucket.key] = min(Fraction(bucket.burst), filled)

    def acquire(self, buckets: Sequence[Bucket]) -> float:
        missing = [max(Fraction(0), 1 - self.tokens[b.key]) * b.interval for b in buckets]
        wait = max(missing, default=Fraction(0))
        if not wait:
            for bucket in buckets:
                self.tokens[bucket.key] -= 1
        return float(wait / 1_000_000)


requests = st.lists(
    st.lists(st.sampled_from(BUCKETS), unique_by=lambda bucket: bucket.key), max_size=6
)


def waits(limiter, requests):
    """The seconds that each request has to wait."""
    return [delay.seconds if delay else 0 for delay in limiter.acquire(requests)]


@given(st.lists(st.tuples(st.integers(0, 10**9), requests), max_size=8))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_it_does_what_buckets_of_tokens_do(redis, steps):
    run, now, model = next(_runs), [1_700_000_000_000_000], Tokens()
    limiter = Limiter(redis, clock=lambda: now[0] / 1_000_000)
    for passed, wanted in steps:
        now[0] += passed
        model.passes(passed)
        asked = [
            [Bucket(f"{run}:{b.key}", b.count, b.per, b.burst) for b in buckets]
            for buckets in wanted
        ]
        assert waits(limiter, asked) == pytest.approx([model.acquire(b) for b in wanted])


def test_a_burst_goes_at_once_and_the_next_waits_its_turn(redis):
    limiter = Limiter(redis, clock=lambda: 1_700_000_000.0)
    bucket = Bucket("a", count=1, per=MINUTE, burst=2)
    assert waits(limiter, [[bucket]] * 4) == [0, 0, 60, 60]


def test_a_request_that_must_wait_counts_in_none_of_its_buckets(redis):
    limiter = Limiter(redis, clock=lambda: 1_700_000_000.0)
    wide, narrow = Bucket("wide", 1, MINUTE, burst=2), Bucket("narrow", 1, MINUTE)
    assert waits(limiter, [[wide, narrow], [wide, narrow], [wide]]) == [0, 60, 0]


def test_a_delay_names_the_bucket_that_takes_longest(redis):
    wide, narrow = Bucket("wide", 1, MINUTE), Bucket("narrow", 1, 2 * MINUTE)
    for limiter in (
        Limiter(redis, clock=lambda: 1_700_000_000.0),
        LocalLimiter(clock=lambda: 1_700_000_000.0),
    ):
        limiter.acquire([[wide], [narrow]])
        delays = limiter.acquire([[wide, narrow], [narrow, wide]])
        assert [delay and delay.bucket for delay in delays] == [1, 0]


def test_an_unlimited_request_goes(redis):
    assert Limiter(redis).acquire([[]]) == [None]
    assert Limiter(redis).acquire([]) == []


def test_without_a_clock_the_time_is_that_of_redis(redis):
    bucket = Bucket("a", count=1, per=MINUTE)
    first, second = Limiter(redis), Limiter(redis)
    assert waits(first, [[bucket]]) == [0]
    assert 59 < waits(second, [[bucket]])[0] <= 60


def test_a_bucket_that_is_full_again_is_forgotten_by_redis(redis):
    Limiter(redis).acquire([[Bucket("a", count=1, per=MINUTE, burst=9)]])
    assert 59_000 < redis.pttl("limit:a") <= 60_001


def test_a_clock_that_was_ahead_for_a_while_does_not_block_for_as_long(redis):
    now = [1000.0]
    limiter = Limiter(redis, clock=lambda: now[0])
    bucket = Bucket("a", count=1, per=MINUTE, burst=2)
    now[0] += 3600
    limiter.acquire([[bucket]])
    now[0] -= 3600
    assert waits(limiter, [[bucket]]) == [60]
    now[0] += 60
    assert waits(limiter, [[bucket], [bucket]]) == [0, 60]


@pytest.mark.parametrize("odd", [{"count": 0}, {"per": timedelta(0)}, {"burst": 0}, {"count": -1}])
def test_a_bucket_that_lets_nothing_through_is_refused(odd):
    with pytest.raises(ValueError, match="lets nothing through"):
        Bucket(**{"key": "a", "count": 1, "per": MINUTE, "burst": 1, **odd})


def test_without_redis_a_process_limits_itself_and_says_so_once(tmp_path):
    now = [1000.0]
    bucket = Bucket("a", count=1, per=MINUTE, burst=5)
    with make_redis(f"unix://{tmp_path}/nobody.sock") as away, capture_logs() as logs:
        limiter = Limiter(away, clock=lambda: now[0])
        # Half the rate and half the burst: the other processes do the same at the same time.
        assert waits(limiter, [[bucket], [bucket], [bucket]]) == [0, 0, 120]
        now[0] += 120
        assert waits(limiter, [[bucket], [bucket]]) == [0, 120]
    assert [entry["event"] for entry in logs] == ["redis does not answer"]


def test_a_process_alone_counts_all_buckets_or_none():
    limiter = LocalLimiter(clock=lambda: 0.0)
    wide, narrow = Bucket("wide", 1, MINUTE), Bucket("narrow", 1, 2 * MINUTE)
    assert waits(limiter, [[narrow], [wide, narrow], [wide], []]) == [0, 240, 0, 0]


def test_what_is_allowed_at_once_goes_also_in_a_process_alone():
    limiter = LocalLimiter(clock=lambda: 0.0)
    whole = Bucket("files", 10, MINUTE, burst=10, cost=10)
    assert waits(limiter, [[whole], [whole]]) == [0, 120]


def test_a_process_alone_does_not_remember_for_ever(monkeypatch):
    monkeypatch.setattr(LocalLimiter, "KEPT", 10)
    now = [0.0]
    limiter = LocalLimiter(clock=lambda: now[0])
    for number in range(50):
        now[0] += 121
        limiter.acquire([[Bucket(str(number), 1, MINUTE)]])
    assert len(limiter._full) <= 11
