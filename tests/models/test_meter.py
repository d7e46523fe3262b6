import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import BadValue
from workbench.models.calls import Reply
from workbench.models.endpoint import Endpoint
from workbench.models.meter import Meter, size

PRICED = Endpoint("m", usd_per_mtok_in=1e6, usd_per_mtok_out=1e6)  # a dollar a token


def asked(n):
    return [{"role": "user", "content": "x" * n}]


def test_limits_that_cannot_be_kept_are_told():
    for limits in ({"max_calls": 0}, {"max_usd": 0.0}, {"max_usd": float("nan")}):
        with pytest.raises(BadValue, match=next(iter(limits))):
            Meter(PRICED, **limits)
    with pytest.raises(BadValue, match="the endpoint's prices as well"):
        Meter(Endpoint("m"), max_usd=1.0)


def test_calls_are_limited():
    meter = Meter(Endpoint("m"), max_calls=2)
    for key in range(2):
        assert meter.allows(asked(4))
        meter.sent(key, asked(4))
    assert not meter.allows(asked(4))
    assert meter.usd is None


def test_tokens_are_counted_as_told_and_else_estimated():
    meter = Meter(PRICED)
    assert meter.estimated(400, 2) == (100, 8)
    meter.received(Reply(None, "yes", 9, 1))  # a check: counted, but nothing learned from it
    assert meter.estimated(400, 2) == (100, 8)
    meter.sent("a", asked(100))
    meter.received(Reply("a", "A", 50, 2))
    assert meter.estimated(400, 3) == (200, 6)
    meter.sent("b", asked(10))
    meter.received(Reply("b", "A", None, None))
    meter.sent("c", asked(10))
    meter.received(Reply("c", None, error="lost"))
    assert (meter.tokens_in, meter.tokens_out) == (9 + 50 + 5, 1 + 2 + 2)
    assert (meter.calls, meter.uncounted, meter.usd) == (3, 1, 69)
    assert size([{"content": "é\ud800"}]) == 5


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 60), max_size=30), st.integers(1, 400), st.integers(1, 6))
def test_the_limit_is_kept_where_estimates_are_right(sizes, limit, at_once):
    meter, under_way = Meter(PRICED, max_usd=limit), []
    for key, n in enumerate(sizes):
        if len(under_way) == at_once:
            done, tokens = under_way.pop(0)
            meter.received(Reply(done, "A", tokens, 4))
        if not meter.allows(asked(4 * n)):
            break
        meter.sent(key, asked(4 * n))
        under_way.append((key, n))
    for done, tokens in under_way:
        meter.received(Reply(done, "A", tokens, 4))
    assert meter.usd <= limit
