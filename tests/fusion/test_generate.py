"""Generation equals transformers' own one by one, and no answer depends on its batch."""

import random
from itertools import pairwise

import numpy as np
import pytest
import torch
from tiny_writers import Verbatim, chat_tokenizer, writer

from workbench.errors import BadModel, BadValue
from workbench.fusion.decoding import Decoding
from workbench.fusion.generate import generate
from workbench.fusion.lora import LoRA, with_lora

VOCABULARY = len(chat_tokenizer())
ENDS = (1, *range(4, VOCABULARY, 3))
KINDS = ("t5", "bart", "llama", "gpt2")
_RNG = random.Random(0)
PROMPTS = [[_RNG.randrange(4, VOCABULARY) for _ in range(_RNG.randrange(1, 30))] for _ in range(12)]
SAMPLE = Decoding(beams=1, temperature=0.9, top_p=0.9, max_new_tokens=12)


def answers(model, prompts=PROMPTS, decoding=SAMPLE, **options):
    """Texts and token counts in the prompts' order."""
    found = [None] * len(prompts)
    for some in generate(model, chat_tokenizer(), prompts, decoding, **options):
        told = zip(some.index.tolist(), some.texts, some.tokens_out.tolist(), strict=True)
        for place, *answer in told:
            found[place] = tuple(answer)
    return found


def one_by_one(model, prompt, decoding):
    """What transformers' own generate writes, up to the end token."""
    ids = torch.tensor([prompt])
    told = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        num_beams=decoding.beams,
        max_new_tokens=decoding.max_new_tokens,
        length_penalty=decoding.length_penalty,
        no_repeat_ngram_size=decoding.no_repeat_ngram,
        pad_token_id=0,
    )[0].tolist()
    ends = model.generation_config.eos_token_id
    told = told[1:] if model.config.is_encoder_decoder else told[len(prompt) :]
    length = next((n for n, token in enumerate(told) if token in ends), len(told))
    return chat_tokenizer().decode(told[:length], skip_special_tokens=True), length


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "decoding",
    [
        Decoding(beams=1, max_new_tokens=14),
        Decoding(beams=4, max_new_tokens=14),
        Decoding(beams=3, max_new_tokens=9, length_penalty=2.0),
        Decoding(beams=2, max_new_tokens=9, length_penalty=-1.0),
    ],
    ids=str,
)
def test_answers_are_those_of_transformers_one_by_one(kind, decoding):
    model = writer(kind, VOCABULARY, ENDS)
    found = answers(model, decoding=decoding)
    assert found == [one_by_one(model, prompt, decoding) for prompt in PROMPTS]
    assert len({length for _, length in found}) > 1


@pytest.mark.parametrize(("beams", "n"), [(1, 2), (3, 1)])
def test_no_n_tokens_twice_as_in_transformers(beams, n):
    model = writer("t5", VOCABULARY)
    decoding = Decoding(beams=beams, no_repeat_ngram=n, max_new_tokens=14)
    free = Decoding(beams=beams, max_new_tokens=14)
    found = answers(model, decoding=decoding)
    assert found == [one_by_one(model, prompt, decoding) for prompt in PROMPTS]
    assert found != answers(model, decoding=free)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("decoding", [SAMPLE, Decoding(beams=3, max_new_tokens=10)], ids=str)
def test_no_answer_depends_on_its_batch(kind, decoding):
    model = writer(kind, VOCABULARY, ENDS)
    keys = [f"prompt {n}" for n in range(len(PROMPTS))]
    whole = answers(model, decoding=decoding, keys=keys)
    assert answers(model, decoding=decoding, keys=keys, tokens_per_batch=100) == whole
    rows = [7, 2, 11, 5]
    some = answers(model, [PROMPTS[n] for n in rows], decoding, keys=[keys[n] for n in rows])
    assert some == [whole[n] for n in rows]


def test_draws_differ_by_seed_and_key_and_repeat():
    model = writer("t5", VOCABULARY, ENDS)
    same = [PROMPTS[0]] * 6
    keys = list("abcdef")
    first = answers(model, same, keys=keys)
    assert len(set(first)) > 1
    assert answers(model, same, keys=keys) == first
    other = Decoding(beams=1, temperature=0.9, top_p=0.9, max_new_tokens=12, seed=1)
    assert answers(model, same, other, keys=keys) != first
    assert len(set(answers(model, same))) == 1  # named after their tokens, which are alike


def test_draws_follow_the_models_probabilities():
    model = writer("t5", VOCABULARY, ENDS)
    with torch.no_grad():
        start = torch.zeros(1, 1, dtype=torch.int64)
        logits = model(input_ids=torch.tensor([PROMPTS[0]]), decoder_input_ids=start).logits
    share = (logits[0, -1] / 0.5).softmax(-1)
    likeliest = int(share.argmax())
    draws = 1500
    decoding = Decoding(beams=1, temperature=0.5, max_new_tokens=1)
    found = answers(model, [PROMPTS[0]] * draws, decoding, keys=[str(n) for n in range(draws)])
    text = chat_tokenizer().decode([likeliest], skip_special_tokens=True)
    spelt = torch.tensor(
        [chat_tokenizer().decode([n], skip_special_tokens=True) == text for n in range(VOCABULARY)]
    )
    expected = float(share[spelt].sum())
    seen = np.mean([answer == text for answer, _ in found])
    assert abs(seen - expected) < 5 * (expected * (1 - expected) / draws) ** 0.5
    nearly_greedy = Decoding(beams=1, temperature=1.0, top_p=1e-6, max_new_tokens=9)
    greedy = Decoding(beams=1, max_new_tokens=9)
    assert answers(model, decoding=nearly_greedy) == answers(model, decoding=greedy)


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_of_the_models_settings_only_its_begin_and_end_count(kind):
    model = writer(kind, VOCABULARY, ENDS)
    plain = [answers(model, decoding=Decoding(beams=n, max_new_tokens=9)) for n in (1, 3)]
    settings = model.generation_config
    settings.update(
        num_beams=5, do_sample=True, temperature=3.0, top_k=5, max_length=7, min_length=6,
        repetition_penalty=4.0, no_repeat_ngram_size=1, suppress_tokens=list(range(5, 40)),
        forced_eos_token_id=1, early_stopping=True, use_cache=False,
    )  # fmt: skip
    kept = settings.to_dict()
    again = [answers(model, decoding=Decoding(beams=n, max_new_tokens=9)) for n in (1, 3)]
    assert again == plain
    assert model.generation_config is settings
    assert settings.to_dict() == kept


@pytest.mark.parametrize("beams", [1, 3])
def test_a_causal_answer_may_repeat_its_prompt_but_not_itself(beams):
    model = writer("gpt2", VOCABULARY)
    decoding = Decoding(beams=beams, no_repeat_ngram=1, max_new_tokens=12)
    prompts = [list(range(4, 240)), list(range(9, 60))]
    repeats = 0
    for some in generate(model, Verbatim(), prompts, decoding):
        for row, tokens in zip(some.index, some.texts, strict=True):
            assert len(set(tokens)) == len(tokens)
            repeats += len(set(tokens) & set(prompts[row]))
    assert repeats > 3


@pytest.mark.parametrize("decoding", [
    Decoding(beams=3, max_new_tokens=8, copy_ngram=2),
    Decoding(beams=1, max_new_tokens=8, copy_ngram=2, temperature=1.0),
], ids=str)  # fmt: skip
def test_a_forced_first_token_stands_before_what_is_copied(decoding):
    model = writer("bart", VOCABULARY)
    model.generation_config.forced_bos_token_id = 3
    source = [30, 31, 32, 31, 40]
    (some,) = generate(model, Verbatim(), [[5, 6]], decoding, sources=[[source]])
    (first, *copied) = some.texts[0]
    assert first == 3
    assert copied
    assert set(pairwise(copied)) <= set(pairwise(source))


def test_batches_come_longest_first_and_keep_the_budget():
    model = writer("t5", VOCABULARY)
    decoding = Decoding(beams=2, max_new_tokens=4)
    batches = list(generate(model, chat_tokenizer(), PROMPTS, decoding, tokens_per_batch=200))
    assert sorted(row for some in batches for row in some.index) == list(range(len(PROMPTS)))
    longest = [max(len(PROMPTS[row]) for row in some.index) for some in batches]
    assert longest == sorted(longest, reverse=True)
    for some, length in zip(batches, longest, strict=True):
        assert len(some.index) == 1 or len(some.index) * (length + 4) * 2 <= 200
    assert len(batches) > 2


def test_a_model_is_left_as_it_was_between_batches():
    model = writer("t5", VOCABULARY).train()
    stream = generate(model, chat_tokenizer(), PROMPTS, SAMPLE, tokens_per_batch=200)
    next(stream)
    assert model.training
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()


def test_bfloat16_runs_a_copy():
    model = writer("t5", VOCABULARY)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    full = answers(model, decoding=Decoding(beams=1, max_new_tokens=6))
    seen = set()
    model.lm_head.register_forward_hook(lambda head, *_: seen.add(head.weight.dtype))
    low = answers(model, decoding=Decoding(beams=1, max_new_tokens=6), precision="bfloat16")
    assert seen == {torch.bfloat16}
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert sum(a == b for a, b in zip(full, low, strict=True)) > len(PROMPTS) // 3


def test_a_model_with_adapters_writes_too():
    model = writer("t5", VOCABULARY)
    plain = answers(model)
    adapted = with_lora(model, LoRA(rank=2))
    assert answers(adapted) == plain  # fresh adapters change nothing
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight.add_(torch.randn_like(weight))
    assert answers(adapted) != plain


def test_no_prompts_no_answers():
    assert answers(writer("t5", VOCABULARY), []) == []


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"tokens_per_batch": 0}, "tokens_per_batch"),
        ({"precision": "float16"}, "precision"),
        ({"keys": ["a"]}, "number of keys"),
        ({"sources": []}, "number of sources"),
    ],
)
def test_bad_options_are_told_before_any_work(options, name):
    with pytest.raises(BadValue) as told:
        generate(writer("t5", VOCABULARY), chat_tokenizer(), PROMPTS, SAMPLE, **options)
    assert told.value.name == name


def test_what_cannot_be_read_or_ended_is_told():
    tokenizer = chat_tokenizer()
    with pytest.raises(BadValue, match="tokens of a prompt = 0"):
        generate(writer("t5", VOCABULARY), tokenizer, [[5], []], SAMPLE)
    with pytest.raises(BadValue, match="sources"):
        generate(writer("t5", VOCABULARY), tokenizer, PROMPTS, Decoding(copy_ngram=2))
    with pytest.raises(BadValue, match="at most 256, the positions of this gpt2"):
        generate(writer("gpt2", VOCABULARY), tokenizer, [[5] * 250], SAMPLE)
    generate(writer("bart", VOCABULARY), tokenizer, [[5] * 250], SAMPLE)
    with pytest.raises(BadValue, match="at most 256"):
        generate(writer("bart", VOCABULARY), tokenizer, [[5] * 257], SAMPLE)
    lost = writer("t5", VOCABULARY)
    lost.generation_config.decoder_start_token_id = lost.generation_config.bos_token_id = None
    with pytest.raises(BadModel, match="decoder's first token"):
        generate(lost, tokenizer, PROMPTS, SAMPLE)
