"""What a tuning proposes can be tried, has an effect, and is within what was asked for."""

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.aggregation.seeds import prompt_keys
from workbench.errors import BadValue
from workbench.fusion.decoding import Decoding
from workbench.sweeps.decoding_space import DecodingSpace
from workbench.sweeps.fusion_prompts import drawn
from workbench.sweeps.fusion_space import ORDERS, FusionSpace, possible

OWN = Decoding(beams=1, max_new_tokens=30, no_repeat_ngram=3, copy_ngram=2)


def some(choices):
    return st.lists(st.sampled_from(choices), min_size=1, unique=True)


SPACES = st.builds(
    FusionSpace,
    schemes=some(["a", "b"]),
    top_k=some([1, 2, 3]),
    orders=some(list(ORDERS)),
    decoding=st.builds(
        DecodingSpace,
        kinds=some(["greedy", "beam", "sample"]),
        beams=some([2, 3]),
        length_penalty=some([0.5, 1.0]),
        temperature=some([0.5, 1.0]),
        top_p=some([0.5, 1.0]),
        max_new_tokens=st.none() | some([1, 7]),
        no_repeat_ngram=st.none() | some([0, 2]),
        copy_ngram=st.none() | some([0, 4]),
    ).map(lambda space: space.completed(OWN)),
)


@settings(max_examples=40, deadline=None)
@given(SPACES, st.integers(0, 2**32 - 1))
def test_a_proposal_is_of_the_space_and_each_of_its_settings_counts(space, seed):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    trial = study.ask()
    choice = space.choose(trial, seed=5)
    made, own = choice.decoding, space.decoding
    assert choice.scheme in space.schemes
    assert choice.top_k in space.top_k
    assert choice.order in (space.orders if choice.top_k > 1 else ["rank"])
    assert made.name in own.kinds
    for name, value in trial.params.items():
        if name in vars(made):
            assert getattr(made, name) == value
            assert value in getattr(own, name)
    # Decoding sets back what has no effect, so that equal decodings are equal texts.
    assert Decoding.parse(str(made)) == made
    assert made.seed == (5 if made.name == "sample" else 0)
    assert ("order" in trial.params) == (choice.top_k > 1)
    assert ("beams" in trial.params) == (made.name == "beam")
    assert ("temperature" in trial.params) == (made.name == "sample")


def test_what_is_not_asked_for_is_the_fusers_own():
    space = DecodingSpace().completed(OWN)
    assert space.max_new_tokens == [7, 15, 30]
    assert (space.no_repeat_ngram, space.copy_ngram) == ([3], [0, 2])
    assert DecodingSpace(copy_ngram=[4]).completed(OWN).copy_ngram == [4]
    shortest = DecodingSpace().completed(Decoding(max_new_tokens=1))
    assert (shortest.max_new_tokens, shortest.copy_ngram) == ([1], [0])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"kinds": ["beem"]}, "decoding.kinds = 'beem': expected one of greedy, beam, sample"),
        ({"kinds": []}, "at least one choice"),
        ({"beams": [2, 2]}, "each choice once"),
        ({"beams": [1]}, "a value that makes it 'beam'"),
        ({"temperature": [0.0]}, "a value that makes it 'sample'"),
        ({"top_p": [1.5]}, "top_p = 1.5"),
        ({"max_new_tokens": [0]}, "max_new_tokens = 0"),
        ({"copy_ngram": [-1]}, "copy_ngram = -1"),
    ],
)
def test_decodings_that_there_are_not_are_refused(options, told):
    with pytest.raises(BadValue, match=told):
        DecodingSpace(**options)
    if "kinds" not in options:  # what no kind uses is not looked at
        [name] = options
        kind = "greedy" if name in ("beams", "temperature", "top_p") else None
        if kind and len(set(options[name])) == len(options[name]):
            assert DecodingSpace(kinds=[kind], **options).kinds == [kind]


class Reader:
    """As much of a fuser as says what it can read and write: three candidates, 100 positions."""

    tokenizer = None
    decoding = Decoding(max_new_tokens=120)

    class prompt:
        max_length = 50

        @staticmethod
        def check(tokenizer, top_k):
            if top_k > 3:
                raise BadValue("max_length", 50, "room for four candidates")

    class pretrained_model:
        class config:
            is_encoder_decoder, max_position_embeddings, model_type = False, 100, "tiny"


def test_what_cannot_be_tried_is_left_out_or_refused_where_it_was_asked_for(capsys):
    def space(k, **options):
        return FusionSpace(["a"], k, ["rank"], DecodingSpace(**options))

    able = possible(space([1, 2, 3, 4, 5]), Reader, 4, asked=False)
    assert able.top_k == [1, 2, 3]
    assert able.decoding.max_new_tokens == [30]  # of 30, 60 and 120, beside a prompt of 50
    told = " ".join(capsys.readouterr().err.split())
    assert "top_k 4 is left out: max_length = 50: expected room for four" in told
    assert "top_k 5 is left out: top_k = 5: expected at most 4" in told
    assert "max_new_tokens 60 is left out" in told
    with pytest.raises(BadValue, match="room for four"):
        possible(space([1, 4]), Reader, 4, asked=True)
    with pytest.raises(BadValue, match="at most 2"):
        possible(space([3]), Reader, 2, asked=True)
    with pytest.raises(BadValue, match="at most 100"):
        possible(space([1], max_new_tokens=[30, 60]), Reader, 4, asked=True)


@settings(max_examples=30, deadline=None)
@given(some([f"p{i}" for i in range(12)]), st.integers(0, 12), st.integers(0, 2**63 - 1))
def test_a_draw_of_prompts_grows_and_does_not_depend_on_others(prompts, limit, seed):
    whole = drawn(prompts, None, seed)
    assert sorted(whole) == sorted(prompts)
    assert drawn(prompts, limit, seed) == whole[:limit]
    left = prompts[1:]
    assert drawn(left, None, seed) == [p for p in whole if p != prompts[0]]
    assert len(prompt_keys(prompts)) == len(prompts)
