"""Sequences of one text or two, against what the tokenizer itself makes of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertTokenizer, PreTrainedTokenizerFast, RobertaTokenizer

from workbench.errors import BadModel, BadValue
from workbench.models.framing import Framed, Framing
from workbench.models.tokens import Tokens, elided
from workbench.models.vocabulary import tiny_tokenizer

WORDS = ["one", "two", "Why", "the", "x", "…", "né", "\n", "  ", "zebra!"]
texts = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
# The tokenizers themselves take an empty second text for none.
pairs = st.lists(st.tuples(texts, texts.filter(len)), min_size=1, max_size=5)


def bert(**options):
    """Token types, [CLS] x [SEP] y [SEP]."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "one", "two", "the", "why", "…"]
    entries = [*words, *letters, *(f"##{letter}" for letter in letters)]
    return BertTokenizer(vocab={entry: i for i, entry in enumerate(entries)}, **options)


def roberta():
    """Bytes, no token types, <s> x </s></s> y </s>."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    entries = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *alphabet, "on", "tw"]
    return RobertaTokenizer(
        vocab={entry: i for i, entry in enumerate(entries)}, merges=[("o", "n"), ("t", "w")]
    )


def tiny():
    return tiny_tokenizer(WORDS, 60, markers=False)


TOKENIZERS = {"bert": bert, "roberta": roberta, "tiny": tiny}


@pytest.fixture(params=TOKENIZERS)
def tokenizer(request):
    return TOKENIZERS[request.param]()


def listed(framed, pad):
    """Ids and token types of each sequence, padding cut off."""
    ids, mask, types = framed.padded(np.arange(len(framed.second)), pad)
    assert (ids[mask == 0] == pad).all()
    assert not types[mask == 0].any()
    return [(i[m == 1].tolist(), t[m == 1].tolist()) for i, m, t in zip(ids, mask, types, strict=1)]


def test_pairs_and_singles_are_the_tokenizers_own(tokenizer):
    framing = Framing(tokenizer, 200, 200)

    @settings(max_examples=30, deadline=None)
    @given(pairs)
    def holds(rows):
        framed = framing.pairs(*zip(*rows, strict=True))
        alone = framing.singles([x for x, _ in rows], 200)
        for found, given_ in ((framed, rows), (alone, [(x,) for x, _ in rows])):
            for (ids, types), some in zip(listed(found, framing.pad), given_, strict=True):
                wanted = tokenizer(*some, return_token_type_ids=True)
                assert ids == wanted["input_ids"]
                assert types == wanted["token_type_ids"]

    holds()
    alone = len(tokenizer("the")["input_ids"]) - framing.frame_length(1)
    assert len(tokenizer("the", "the")["input_ids"]) == framing.frame_length(2) + 2 * alone
    assert framing.pairs([""], [""]).tokens.length.tolist() == [framing.frame_length(2)]


def test_token_types_are_those_of_the_tokenizer():
    [(_, types)] = listed(Framing(bert(), 9, 9).pairs(["one two"], ["the"]), 0)
    assert types == [0, 0, 0, 0, 1, 1]
    [(_, types)] = listed(Framing(roberta(), 9, 9).pairs(["one two"], ["the"]), 1)
    assert set(types) == {0}


@pytest.mark.parametrize("elide", [False, True])
def test_each_text_is_cut_alone(tokenizer, elide):
    framing = Framing(tokenizer, 5, 7, elide)
    x, y = "one two the why " * 3, "two one " * 9
    [(ids, _)] = listed(framing.pairs([x], [y]), framing.pad)
    [first, second] = [
        np.array(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in (x, y)
    ]
    mark = tokenizer("…", add_special_tokens=False)["input_ids"][-1]
    first, second = (
        (elided(part, most, mark) if elide else part[:most]).tolist()
        for part, most in ((first, 5), (second, 7))
    )
    assert len(ids) == 12 + framing.frame_length(2)
    before = len(framing._pair[0])
    assert ids[before : before + 5] == first
    end = len(ids) - len(framing._pair[2])
    assert ids[end - 7 : end] == second


def test_no_text_forges_the_frame(tokenizer):
    framing = Framing(tokenizer, 50, 50)
    special = [t for t in tokenizer.all_special_tokens if t != tokenizer.unk_token]
    frame = listed(framing.pairs([""], [""]), framing.pad)[0][0]
    for token in special:
        [(ids, _)] = listed(framing.pairs([f"one {token}"], [f"{token} two"]), framing.pad)
        kept = [i for i in ids if i in tokenizer.all_special_ids and i != tokenizer.unk_token_id]
        assert kept == frame


def test_distinct_sequences_and_choices(tokenizer):
    framing = Framing(tokenizer, 20, 2)
    framed = framing.pairs(["the"] * 4, ["one two x", "x", "one two the", "x"])
    distinct, group = framed.distinct()
    once, every = listed(distinct, framing.pad), listed(framed, framing.pad)
    assert [once[g] for g in group] == every
    assert len(once) == len({str(one) for one in every})
    assert listed(framed.chosen(np.array([3, 0])), framing.pad) == [every[3], every[0]]
    both = Framed.joined([framed.chosen(np.array([1])), framed])
    assert listed(both, framing.pad) == [every[1], *every]
    none, group = Framed.joined([]).distinct()
    assert len(none.second) == len(group) == 0


def test_equal_ids_with_other_token_types_stay_apart():
    tokens = Tokens.joined([np.array([5, 6, 7], np.int32)] * 2)
    _, group = Framed(tokens, np.array([1, 2])).distinct()
    assert group.tolist() == [0, 1]


def fast(template, **special):
    """A tokenizer of words whose frame is `template`."""
    names = ["[PAD]", "[UNK]", "[A]", "one", "two"]
    vocabulary = {name: i for i, name in enumerate(names)}
    raw = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    raw.post_processor = processors.TemplateProcessing(
        single="$A", pair=template, special_tokens=[("[A]", 2)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="[UNK]", **special)


def test_what_cannot_be_framed_is_named():
    with pytest.raises(BadValue, match="source_maxlength"):
        Framing(tiny(), 0, 5)
    with pytest.raises(BadModel, match="no padding token"):
        Framing(fast("$A [A] $B"), 5, 5)
    with pytest.raises(BadModel, match="apart"):
        Framing(fast("$B [A] $A", pad_token="[PAD]"), 5, 5)
    with pytest.raises(BadModel, match="token types"):
        Framing(fast("[A]:1 $A:0 $B:1", pad_token="[PAD]"), 5, 5)
    with pytest.raises(BadModel, match="token types"):
        Framing(fast("$A:0 $B:1 [A]:2", pad_token="[PAD]"), 5, 5)
