import json
import pickle

import numpy as np
import pytest
import torch
from bleurt_writer import POSITIONS, score_by_hand, write_bleurt
from hypothesis import given, settings
from hypothesis import strategies as st
from measure_models import shared, texts
from safetensors.torch import save_file
from sentencepiece import SentencePieceProcessor
from transformers import AutoTokenizer

from workbench.errors import BadModel, BadValue
from workbench.quality.bleurt import BLEURT

LAYOUTS = {
    "BLEURT-20": {"narrow": 8, "pieces": True},
    "BLEURT-20 as a pickle": {"narrow": 8, "pieces": True, "safe": False},
    "bleurt-base": {"narrow": None, "safe": False},
    "Elron": {"prefix": "bert"},
    "Elron as a pickle": {"prefix": "bert", "safe": False},
}


def cut(first, second, most):
    """BERT's way: the longer one loses its last token until both fit."""
    first, second = list(first), list(second)
    while len(first) + len(second) > most - 3:
        (first if len(first) > len(second) else second).pop()
    return first, second


def by_hand(folder, weights, hypotheses, references, most=POSITIONS):
    if (folder / "spm.model").exists():
        model = SentencePieceProcessor(model_file=str(folder / "spm.model"))
        encode, ends = model.encode, (model.piece_to_id("[CLS]"), model.piece_to_id("[SEP]"))
    else:
        words = AutoTokenizer.from_pretrained(folder)
        ends = words.cls_token_id, words.sep_token_id

        def encode(text):
            return words.encode(text, add_special_tokens=False)

    return [
        score_by_hand(weights, *cut(encode(reference), encode(hypothesis), most), *ends)
        for hypothesis, reference in zip(hypotheses, references, strict=True)
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_equals_the_score_by_hand(tmp_path, layout):
    weights = write_bleurt(tmp_path, **LAYOUTS[layout])
    hypotheses, references = shared(3, 4)
    hypotheses[1], references[2] = "", ""
    wanted = by_hand(tmp_path, weights, hypotheses, references)
    measure = BLEURT(str(tmp_path), label="tiny").prepare("cpu")
    assert measure.name == "bleurt[tiny]@1"
    done = []
    values = measure(hypotheses, references, progress=done.append)
    np.testing.assert_allclose(values, wanted, atol=1e-5)
    assert sum(done) == len(hypotheses)
    # It is the order of the two that matters, not only who they are.
    assert not np.allclose(measure(references, hypotheses), values)
    assert np.ptp(values) > 0.01


def test_no_value_depends_on_its_batch(tmp_path):
    write_bleurt(tmp_path)
    measure = BLEURT(str(tmp_path)).prepare("cpu")
    hypotheses, references = shared(3, 4)
    whole = measure(hypotheses, references)
    np.testing.assert_allclose(
        measure(hypotheses, references, tokens_per_batch=1), whole, atol=1e-5
    )
    twice = measure(hypotheses * 2, references * 2)
    assert (twice[: len(whole)] == twice[len(whole) :]).all()
    half = measure(hypotheses, references, precision="bfloat16")
    np.testing.assert_allclose(half, whole, atol=0.3)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(4, 40))
def test_the_longer_text_is_cut_as_bert_does(first, second, most):
    measure = BLEURT("x", max_length=most)
    left, right = list(range(first)), list(range(100, 100 + second))
    ids, count = measure._framed(left, right)
    kept = cut(left, right, most)
    assert ids == [0, *kept[0], 0, *kept[1], 0]
    assert count == len(kept[0]) + 2


def test_a_shorter_length_is_kept_to_and_told(tmp_path):
    weights = write_bleurt(tmp_path)
    hypotheses, references = texts(6, 1), texts(6, 2)
    measure = BLEURT(str(tmp_path), max_length=12, label="b").prepare("cpu")
    assert measure.name == "bleurt[b,max_length=12]@1"
    wanted = by_hand(tmp_path, weights, hypotheses, references, 12)
    np.testing.assert_allclose(measure(hypotheses, references), wanted, atol=1e-5)
    with pytest.raises(BadValue, match="max_length = 3"):
        BLEURT("x", max_length=3)


class Harmful:
    def __reduce__(self):
        return print, ("code of a checkpoint was run",)


def test_pickled_code_is_never_run(tmp_path, capsys):
    write_bleurt(tmp_path, safe=False)
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({"classifier.bias": Harmful()}))
    with pytest.raises(BadModel, match="cannot read the weights"):
        BLEURT(str(tmp_path), label="b").prepare("cpu")
    assert "was run" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"classifier.bias": None}, r"1 missing \(classifier.bias\)"),
        ({"classifier.weight": torch.ones(2, 16)}, "1 of another shape"),
        ({"classifier.bias": torch.tensor([np.nan])}, "1 not finite"),
    ],
)
def test_weights_that_do_not_fit_are_told(tmp_path, change, told):
    weights = write_bleurt(tmp_path) | change
    weights = {name: value for name, value in weights.items() if value is not None}
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(BadModel, match=told):
        BLEURT(str(tmp_path), label="b").prepare("cpu")


def test_other_models_and_damaged_ones_are_told(tmp_path):
    def fault(change=None, gone=(), **layout):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        write_bleurt(folder, **layout)
        if change:
            file = folder / "config.json"
            file.write_text(json.dumps(json.loads(file.read_text()) | change))
        for name in gone:
            (folder / name).unlink()
        with pytest.raises(BadModel) as caught:
            BLEURT(str(folder), label="b").prepare("cpu")
        return str(caught.value)

    two = {"id2label": {"0": "a", "1": "b"}}
    assert "2 outputs" in fault(two, prefix="bert")
    assert "cannot build the BLEURT" in fault({"num_attention_heads": 3}, prefix="bleurt")
    assert "has no weights" in fault(gone=["model.safetensors"])
    assert "cannot read the configuration" in fault(gone=["config.json"])
    assert "cannot read a tokenizer" in fault(gone=["tokenizer.json"])
