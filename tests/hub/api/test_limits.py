from hypothesis import given, strategies

from hub.api.limits import Buckets


def test_a_full_bucket_gives_its_quota_and_then_says_when_to_come_back() -> None:
    buckets = Buckets(60)
    assert [buckets.take("a", 0).retry_after_s for _ in range(61)] == [None] * 60 + [1]
    assert buckets.take("a", 999).retry_after_s == 1
    assert buckets.take("a", 1000).retry_after_s is None


def test_each_account_has_a_bucket_of_its_own() -> None:
    buckets = Buckets(1)
    assert [buckets.take(name, 0).retry_after_s for name in ("a", "b", "a")] == [None, None, 60]


def test_the_headers_say_what_is_left() -> None:
    buckets = Buckets(60)
    assert buckets.take("a", 0).headers() == {
        "RateLimit-Policy": '"default";q=60;w=60',
        "RateLimit": '"default";r=59;t=1',
    }


def test_a_clock_that_goes_back_gives_nothing() -> None:
    buckets = Buckets(1)
    buckets.take("a", 60_000)
    assert buckets.take("a", 0).retry_after_s == 60


@given(strategies.lists(strategies.integers(min_value=0, max_value=5000), max_size=200))
def test_no_more_than_quota_and_what_flowed_back_is_ever_given(pauses: list[int]) -> None:
    buckets, now, given_away = Buckets(30), 0, 0
    for pause in pauses:
        now += pause
        given_away += buckets.take("a", now).retry_after_s is None
    assert given_away <= 30 + 30 * now / 60_000


def test_memory_is_bounded_however_many_accounts_come() -> None:
    buckets = Buckets(60)
    for number in range(30_000):
        buckets.take(str(number), 0)
    assert buckets.size <= 10_000
