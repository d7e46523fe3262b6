"""A tokenizer comes out as its files say, whatever transformers makes of its class."""

import pytest
import sentencepiece
from naive_pairrm import LETTERS, WORDS, edit_json, write_tokenizer
from transformers import AutoTokenizer

from workbench.errors import BadModel
from workbench.models.tokenizer_files import read_tokenizer
from workbench.models.vocabulary import tiny_tokenizer

COMPATIBLE = [("Ｆｏｘ", "Fox"), ("ﬁ", "fi"), ("…", "..."), ("a\u00a0b", "a b"), ("①", "1")]


@pytest.fixture(scope="module")
def spm_directory(tmp_path_factory):
    """A DeBERTa tokenizer as the hub's base models bring it: a SentencePiece model alone."""
    directory = tmp_path_factory.mktemp("spm")
    text = directory / "text"
    text.write_text("\n".join([WORDS, " ".join(LETTERS), "Fox fi . .. 1"] * 20), "utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(directory / "spm"), vocab_size=90, hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc", pad_id=0, bos_id=1, eos_id=2, unk_id=3,
        pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]",
        minloglevel=2,
    )  # fmt: skip
    text.unlink()
    (directory / "tokenizer_config.json").write_text('{"tokenizer_class": "DebertaV2Tokenizer"}')
    (directory / "config.json").write_text('{"model_type": "deberta-v2"}')
    return directory


@pytest.mark.parametrize(("text", "same"), COMPATIBLE)
def test_compatible_characters_are_one_of_a_json_file(tmp_path, text, same):
    written = write_tokenizer(tmp_path)
    tokenizer = read_tokenizer(tmp_path)
    assert tokenizer.encode(text) == tokenizer.encode(same) == written.encode(text)


@pytest.mark.parametrize(("text", "same"), COMPATIBLE)
def test_compatible_characters_are_one_of_a_sentencepiece_file(spm_directory, text, same):
    tokenizer = read_tokenizer(spm_directory)
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(spm_directory / "spm.model"))
    found = tokenizer.encode(text, add_special_tokens=False)
    assert found == tokenizer.encode(same, add_special_tokens=False) == pieces.encode(text)
    assert tokenizer.unk_token_id not in found


def test_it_is_saved_and_read_again_as_it_is(spm_directory, tmp_path):
    tokenizer = read_tokenizer(spm_directory)
    tokenizer.save_pretrained(tmp_path)
    for again in (read_tokenizer(tmp_path), AutoTokenizer.from_pretrained(tmp_path)):
        assert again.get_vocab() == tokenizer.get_vocab()
        assert again.encode("Ｆｏｘ… ①") == tokenizer.encode("Ｆｏｘ… ①")


def test_other_tokenizers_are_as_before(tmp_path):
    written = tiny_tokenizer([WORDS], 90)
    written.save_pretrained(tmp_path)
    tokenizer = read_tokenizer(str(tmp_path))
    assert tokenizer.encode("the Fox…") == written.encode("the Fox…")
    assert tokenizer.get_vocab() == written.get_vocab()


def test_no_tokenizer_is_told(tmp_path):
    with pytest.raises(BadModel, match="cannot read a tokenizer from"):
        read_tokenizer(tmp_path)
    write_tokenizer(tmp_path)
    edit_json(tmp_path / "tokenizer.json", model=None)
    with pytest.raises(BadModel, match="cannot read a tokenizer from"):
        read_tokenizer(tmp_path)
