import numpy as np
import pytest
import torch
from bert_score import BERTScorer
from measure_models import shared, texts, write_encoder, write_seq2seq
from tiny_models import WORDS
from transformers import AutoModel, AutoTokenizer

from workbench.quality import bertscore
from workbench.quality.bertscore import BERTScore
from workbench.quality.contextual import ContextualEncoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_encoder("bert", tmp_path_factory.mktemp("encoder") / "tiny")


def scored(folder, hypotheses, references, **options):
    measure = BERTScore(folder, **options).prepare("cpu").prepare_references(references)
    return measure(hypotheses, references)


def by_package(folder, layer, hypotheses, references, idf=None, **options):
    scorer = BERTScorer(
        model_type=folder,
        num_layers=layer,
        device="cpu",
        nthreads=0,
        idf=idf is not None,
        idf_sents=idf,
        **options,
    )
    return scorer.score(hypotheses, references, batch_size=16)[2].numpy()


@pytest.mark.parametrize("idf", [False, True])
@pytest.mark.parametrize(("kind", "layer"), [("bert", 2), ("bert", 1), ("bert", 0), ("llama", 2)])
def test_equals_the_bert_score_package(tmp_path, kind, layer, idf):
    folder = write_encoder(kind, tmp_path / "model")
    hypotheses, references = shared(6, 5)
    weighted = list(dict.fromkeys(references)) if idf else None
    np.testing.assert_allclose(
        scored(folder, hypotheses, references, layer=layer, idf=idf),
        by_package(folder, layer, hypotheses, references, weighted),
        atol=1e-5,
    )


def test_reads_the_encoder_of_an_encoder_decoder_as_the_package_does(tmp_path):
    # The package knows a T5 by its path.
    folder = write_seq2seq("t5", tmp_path / "t5")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.model_max_length = 64
    tokenizer.save_pretrained(folder)
    hypotheses, references = shared(4, 3)
    np.testing.assert_allclose(
        scored(folder, hypotheses, references, layer=2),
        by_package(folder, 2, hypotheses, references),
        atol=1e-5,
    )


@pytest.mark.parametrize("separator", [",", "\t"])
def test_rescales_by_the_packages_baseline_files(folder, tmp_path, separator):
    rows = ["LAYER,P,R,F", "0,.1,.1,.1", "1,.4,.5,.45", "2,.6,.7,.65"]
    file, commas = tmp_path / "baseline.tsv", tmp_path / "commas.tsv"
    file.write_text("\n".join(rows).replace(",", separator))
    commas.write_text("\n".join(rows))
    hypotheses, references = shared(3, 4)
    packages = by_package(
        folder, 1, hypotheses, references,
        rescale_with_baseline=True, lang="en", baseline_path=str(commas),
    )  # fmt: skip
    own = scored(folder, hypotheses, references, layer=1, baseline=str(file))
    np.testing.assert_allclose(own, packages, atol=1e-5)
    raw = scored(folder, hypotheses, references, layer=1)
    assert (np.argsort(own) == np.argsort(raw)).all()
    assert not np.allclose(own, raw)


def by_hand(folder, hypothesis, reference):
    """The paper's formulas, a pair at a time; a token without positive cosine counts 0."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    vectors = []
    for text in (hypothesis, reference):
        ids = torch.tensor([tokenizer.encode(text)])
        with torch.no_grad():
            states = model(ids).last_hidden_state[0].double()
        vectors.append(states / states.norm(dim=1, keepdim=True))
    cosine = (vectors[0] @ vectors[1].T).clamp(min=0)
    # [CLS] and [SEP] are matched with, but do not count.
    precision = cosine.max(1).values[1:-1].mean()
    recall = cosine.max(0).values[1:-1].mean()
    return float(2 * precision * recall / (precision + recall))


def test_equals_the_formulas_by_hand(folder):
    hypotheses, references = texts(4, 1, 12)[:4], texts(4, 2, 12)[:4]
    wanted = [by_hand(folder, *pair) for pair in zip(hypotheses, references, strict=True)]
    np.testing.assert_allclose(scored(folder, hypotheses, references), wanted, atol=1e-5)


def test_no_value_depends_on_its_batch_or_chunk(folder, monkeypatch):
    hypotheses, references = shared(5, 4)
    order = np.random.default_rng(0).permutation(len(hypotheses))
    for idf in (False, True):
        measure = BERTScore(folder, idf=idf).prepare("cpu").prepare_references(references)
        whole = measure(hypotheses, references)
        small = measure(hypotheses, references, tokens_per_batch=1)
        parts = [
            measure([hypotheses[i] for i in part], [references[i] for i in part])
            for part in np.array_split(order, 3)
        ]
        np.testing.assert_allclose(small, whole, atol=1e-6)
        np.testing.assert_allclose(np.concatenate(parts), whole[order], atol=1e-6)
        with monkeypatch.context() as patch:
            patch.setattr(bertscore, "_HELD", 16 * 100)  # so many numbers that blocks are needed
            np.testing.assert_allclose(measure(hypotheses, references), whole, atol=1e-6)


def test_each_text_is_read_once(folder, monkeypatch):
    hypotheses, references = shared(3, 6)
    measure = BERTScore(folder).prepare("cpu")
    read = []
    vectors = ContextualEncoder.vectors
    monkeypatch.setattr(
        ContextualEncoder,
        "vectors",
        lambda self, tokens, *rest: read.append(len(tokens)) or vectors(self, tokens, *rest),
    )
    done = []
    measure(hypotheses * 2, references * 2, progress=done.append)
    assert sum(read) == len({*hypotheses, *references})
    assert sum(done) == len(hypotheses) * 2


def test_equal_pairs_tie_exactly_and_a_text_agrees_with_itself(folder):
    hypotheses = [*texts(6, 3), *texts(6, 3)]
    values = scored(folder, hypotheses, texts(1, 8) * 12)
    assert (values[:6] == values[6:]).all()
    np.testing.assert_allclose(scored(folder, hypotheses, hypotheses), 1, atol=1e-5)


def test_without_idf_f1_is_symmetric(folder):
    left, right = texts(8, 4), texts(8, 5)
    np.testing.assert_allclose(scored(folder, left, right), scored(folder, right, left), atol=1e-6)


@pytest.mark.parametrize("kind", ["bert", "llama", "without a frame"])  # llama's counts
def test_an_empty_text_scores_0(tmp_path, kind):
    folder = write_encoder("bert" if kind == "bert" else "llama", tmp_path / "model")
    if kind == "without a frame":
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer.backend_tokenizer.post_processor = None
        tokenizer.save_pretrained(folder)
        assert AutoTokenizer.from_pretrained(folder).encode("") == []
    values = scored(folder, ["", "good", " \n", "", "good"], ["good", "", "bad", "", "good"])
    assert (values[:4] == 0).all()
    assert values[4] == pytest.approx(1, abs=1e-5)
    assert scored(folder, [""], [""]) == [0]
    assert scored(folder, [], []).shape == (0,)


def test_bfloat16_is_near(folder):
    hypotheses, references = shared(2, 4)
    measure = BERTScore(folder).prepare("cpu")
    half = measure(hypotheses, references, precision="bfloat16")
    exact = measure(hypotheses, references)
    assert not np.array_equal(half, exact)
    np.testing.assert_allclose(half, exact, atol=0.05)


def test_words_matter(folder):
    # The encoder is random, so only that: whoever shares more words with it scores higher.
    reference = " ".join(WORDS[:10])
    near, far = " ".join(WORDS[:9]), " ".join(WORDS[-4:])
    values = scored(folder, [near, far], [reference] * 2)
    assert values[0] > values[1]
