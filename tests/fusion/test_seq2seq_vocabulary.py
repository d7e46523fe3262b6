"""The vocabulary of a tiny writer: what it is made of comes back as it was."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import BadValue
from workbench.fusion.vocabulary import seq2seq_tokenizer

TEXT = st.text(st.sampled_from(string.printable + "äß漢…’"), max_size=40)
# The blank's own sign is the one character that cannot be told from a blank.
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁"), max_size=30)


def back(tokenizer, text):
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return tokenizer.decode(ids, skip_special_tokens=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=5))
def test_its_own_texts_come_back(texts):
    if not any(text.strip() for text in texts):
        return
    tokenizer = seq2seq_tokenizer(texts, 500)
    for text in texts:
        assert back(tokenizer, text) == text
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.unk_token_id not in ids


@settings(max_examples=30, deadline=None)
@given(st.lists(ANY, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_equal_texts_give_an_equal_vocabulary(texts, random):
    texts = [*texts, "one two"]
    tokenizer = seq2seq_tokenizer(texts, 60)
    other = list(texts)
    random.shuffle(other)
    assert seq2seq_tokenizer(other, 60).get_vocab() == tokenizer.get_vocab()
    assert len(tokenizer) <= 60


def test_unknown_words_are_spelled_and_unknown_characters_told_as_unknown():
    tokenizer = seq2seq_tokenizer(["the cat sat", "abcdefghijklmnopqrstuvwxyz"] * 2, 60)
    assert back(tokenizer, "the dog sat") == "the dog sat"
    ids = tokenizer("a漢b", add_special_tokens=False)["input_ids"]
    assert ids.count(tokenizer.unk_token_id) == 1
    assert back(tokenizer, "a漢b") == "ab"


def test_a_known_word_is_one_token():
    tokenizer = seq2seq_tokenizer(["the cat sat. The cat!"] * 3 + ["a b c"], 100)
    pieces = tokenizer.convert_ids_to_tokens(tokenizer("the cat sat.")["input_ids"])
    assert pieces == ["▁the", "▁cat", "▁sat", "."]


def test_the_commonest_stay_where_there_is_little_room():
    tokenizer = seq2seq_tokenizer(["often often often seldom"], 20)
    assert "▁often" in tokenizer.get_vocab()
    assert len(tokenizer) <= 20
    special = [tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.unk_token_id]
    assert special == [0, 1, 2]


def test_it_lasts_in_a_directory(tmp_path):
    from workbench.models.tokenizer_files import read_tokenizer

    tokenizer = seq2seq_tokenizer(["Line one\n\tline two  with blanks "], 80)
    tokenizer.save_pretrained(tmp_path)
    again = read_tokenizer(str(tmp_path))
    assert again.get_vocab() == tokenizer.get_vocab()
    text = "  two\n\n one\tblanks  "
    assert back(again, text) == back(tokenizer, text) == text


@pytest.mark.parametrize("texts", [[], [""]])
def test_texts_are_needed(texts):
    with pytest.raises(BadValue, match="texts"):
        seq2seq_tokenizer(texts, 50)
