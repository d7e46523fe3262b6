import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logit_pools import ALL_SCHEMES

from workbench.aggregation import OUTCOMES, SCHEDULES, SCHEMES, Scheme, apply_order, prompt_keys
from workbench.errors import BadValue, UnknownName, WorkbenchError


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("max_logits", "max_logits;order=both;schedule=all"),
        (" copeland() ; order = left ", "copeland;order=left;schedule=all"),
        (
            "bradley_terry(temperature=2);order=random",
            "bradley_terry(prior=0.1, temperature=2.0);order=random(seed=0);schedule=all",
        ),
        ("bubble", "bubble(seed=0);order=both;schedule=bubble"),
        ("borda;schedule=bubble", "borda;order=both;schedule=bubble(seed=0)"),
        (
            "max_wins;schedule=knockout( seed = 2 );order=left",
            "max_wins;order=left;schedule=knockout(seed=2)",
        ),
        (
            "borda;schedule=top_k(confidence=0.9,k=3)",
            "borda;order=both;schedule=top_k(k=3, confidence=0.9, pairs=1, seed=0)",
        ),
        (
            "bradley_terry;schedule=swiss( rounds = 2 )",
            "bradley_terry(prior=0.1, temperature=1.0);order=both;schedule=swiss(rounds=2, seed=0)",
        ),
        ("knockout(seed=1)", "knockout(seed=1);order=both;schedule=knockout"),
        (
            "bubble( seed = 7 );schedule=bubble;order=random(seed=3)",
            "bubble(seed=7);order=random(seed=3);schedule=bubble",
        ),
    ],
)
def test_short_texts_become_the_canonical_one(text, canonical):
    assert str(Scheme.parse(text)) == canonical


@settings(max_examples=50, deadline=None)
@given(
    name=st.sampled_from(ALL_SCHEMES),
    order=st.sampled_from(["both", "random", "left"]),
    schedule=st.sampled_from([None, *SCHEDULES, "bubble(seed=3)"]),
    seed=st.integers(0, 2**63 - 1),
    prior=st.floats(1e-12, 1e12),
    temperature=st.floats(1e-12, 1e12),
)
def test_the_canonical_text_reads_back_as_the_same_scheme(
    name, order, schedule, seed, prior, temperature
):
    params = {
        **{outcome: {"seed": seed} for outcome in OUTCOMES},
        "bradley_terry": {"prior": prior, "temperature": temperature},
    }.get(name, {})
    schedule = None if name in OUTCOMES else schedule
    scheme = Scheme.of(name, order=order, order_seed=seed, schedule=schedule, **params)
    again = Scheme.parse(str(scheme))
    assert again == scheme
    assert hash(again) == hash(scheme)
    assert str(again) == str(scheme)


def test_equal_settings_have_one_name():
    assert Scheme.of("bradley_terry") == Scheme.of("bradley_terry", temperature=1, prior=0.1)
    assert Scheme.of("borda", order_seed=5) == Scheme("borda")
    assert Scheme.of("bubble", seed=np.int64(3)) == Scheme.parse("bubble(seed=3)")
    assert Scheme.of("borda", order="random", order_seed=5) != Scheme.of("borda", order="random")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("maxlogits", UnknownName, "Did you mean 'max_logits'"),
        ("bradley_terry(priro=1)", UnknownName, "Did you mean 'prior'"),
        ("max_logits(prior=1)", UnknownName, "prior"),
        ("bubble(keys=1)", UnknownName, "keys"),
        ("borda;order=bth", UnknownName, "Did you mean 'both'"),
        ("borda;ordr=both", UnknownName, "Did you mean 'order'"),
        ("borda;order=both(seed=1)", UnknownName, "seed"),
        ("borda;order=random(sed=1)", UnknownName, "Did you mean 'seed'"),
        ("bradley_terry(prior=0)", BadValue, "prior"),
        ("bradley_terry(prior=-1)", BadValue, "prior"),
        ("bradley_terry(prior=nan)", BadValue, "prior"),
        ("bradley_terry(prior=high)", BadValue, "high"),
        (f"bradley_terry(prior={'9' * 400})", BadValue, "prior"),
        ("bubble(seed=1.5)", BadValue, "seed"),
        ("bubble(seed=-1)", BadValue, "seed"),
        ("borda;order=random(seed=x)", BadValue, "seed"),
        ("borda;schedule=bubbel", UnknownName, "Did you mean 'bubble'"),
        ("borda;schedule=bubble(sed=1)", UnknownName, "Did you mean 'seed'"),
        ("borda;schedule=bubble(seed=-1)", BadValue, "seed"),
        ("borda;schedule=bubble(seed=0.5)", BadValue, "seed"),
        ("borda;schedule=knockout(seed", BadValue, "schedule"),
        ("borda;schedule=all;schedule=all", BadValue, "once"),
        ("bubble;schedule=bubble(seed=1)", BadValue, "schedule"),
        ("bubble;schedule=knockout", BadValue, "schedule"),
        ("top_k(k=0)", BadValue, "k of top_k"),
        ("top_k(confidence=0)", BadValue, "confidence"),
        ("top_k(confidence=1.01)", BadValue, "confidence"),
        ("top_k(confidence=nan)", BadValue, "confidence"),
        ("top_k(pairs=0)", BadValue, "pairs"),
        ("borda;schedule=swiss(rounds=0)", BadValue, "rounds"),
        ("borda;schedule=swiss(rounds=2.5)", BadValue, "rounds"),
        ("swiss", UnknownName, "unknown scheme 'swiss'"),
        ("bubble;schedule=all", BadValue, "schedule"),
        ("bradley_terry(prior=1, prior=2)", BadValue, "once"),
        ("bradley_terry(prior)", BadValue, "scheme"),
        ("bradley_terry(prior=1", BadValue, "scheme"),
        ("", BadValue, "scheme"),
        ("borda;", BadValue, "scheme"),
    ],
)
def test_a_wrong_text_is_refused_with_what_would_be_right(text, error, message):
    with pytest.raises(error, match=message):
        Scheme.parse(text)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="abdelmorux_(),;=.0123456789 ", max_size=40))
def test_any_text_is_a_scheme_or_a_named_error(text):
    try:
        scheme = Scheme.parse(text)
    except WorkbenchError:
        return
    assert Scheme.parse(str(scheme)) == scheme


@pytest.mark.parametrize("value", [True, "0.5", None])
def test_a_value_of_another_type_is_refused(value):
    with pytest.raises(BadValue, match="prior"):
        Scheme.of("bradley_terry", prior=value)


def test_scores_apply_order_parameters_and_keys():
    rng = np.random.default_rng(0)
    L = rng.normal(size=(8, 5, 5)).astype(np.float32)
    mask = rng.random((8, 5)) < 0.8
    keys = prompt_keys([str(number) for number in range(8)])
    for name in ALL_SCHEMES:
        found = Scheme.of(name, order="random", order_seed=2).scores(L, mask, keys)
        kept = apply_order(L, "random", 2, keys)
        seeded = {"keys": keys} if name in (*OUTCOMES, "elo") else {}
        expected = SCHEMES[name](kept, mask, **seeded)
        np.testing.assert_array_equal(found, expected)
    sharp = Scheme.of("bradley_terry", temperature=0.1).scores(L, mask)
    assert not np.array_equal(sharp, Scheme.of("bradley_terry").scores(L, mask))
