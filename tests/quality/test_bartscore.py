import numpy as np
import pytest
import torch
from measure_models import shared, texts, write_encoder, write_seq2seq
from tiny_models import POSITIONS
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from workbench.errors import BadModel, BadValue, UnknownName
from workbench.quality import bartscore
from workbench.quality.bartscore import BARTScore


@pytest.fixture(scope="module", params=["bart", "t5"])
def folder(request, tmp_path_factory):
    return write_seq2seq(request.param, tmp_path_factory.mktemp("seq2seq") / request.param)


def prepared(folder, **options):
    return BARTScore(folder, **{"max_length": POSITIONS, **options}).prepare("cpu")


def one_by_one(folder, sources, targets):
    """The model's own loss of one pair at a time is the mean of −log p over the target."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    values = []
    for pair in zip(sources, targets, strict=True):
        source, target = (
            torch.tensor([tokenizer.encode(text, truncation=True, max_length=POSITIONS)])
            for text in pair
        )
        with torch.no_grad():
            values.append(-model(input_ids=source, labels=target).loss.item())
    return np.array(values)


def test_equals_the_models_own_loss_one_by_one(folder):
    hypotheses, references = shared(3, 4)
    recall = one_by_one(folder, hypotheses, references)
    precision = one_by_one(folder, references, hypotheses)
    wanted = {"recall": recall, "precision": precision, "f": (recall + precision) / 2}
    assert not np.allclose(recall, precision)
    for direction, values in wanted.items():
        measure = prepared(folder, direction=direction)
        np.testing.assert_allclose(measure(hypotheses, references), values, atol=1e-5)


def test_no_value_depends_on_its_batch(folder, monkeypatch):
    hypotheses, references = shared(3, 4)
    measure = prepared(folder)
    whole = measure(hypotheses, references)
    assert (whole < 0).all()
    np.testing.assert_allclose(
        measure(hypotheses, references, tokens_per_batch=1), whole, atol=1e-5
    )
    order = np.random.default_rng(0).permutation(len(whole))
    shuffled = measure([hypotheses[i] for i in order], [references[i] for i in order])
    np.testing.assert_allclose(shuffled, whole[order], atol=1e-5)
    monkeypatch.setattr(bartscore, "_MOST_LOGITS", 1000)  # so few that they rule the batches
    np.testing.assert_allclose(measure(hypotheses, references), whole, atol=1e-5)


def test_equal_pairs_tie_exactly_and_progress_adds_up(folder):
    hypotheses = [*texts(5, 3), *texts(5, 3)]
    done = []
    values = prepared(folder, direction="f")(hypotheses, texts(1, 8) * 10, progress=done.append)
    assert (values[:5] == values[5:]).all()
    assert sum(done) == 10


def test_an_empty_text_is_a_frame_alone(folder):
    pairs = ["", "good", ""], ["good", "", ""]
    values = prepared(folder)(*pairs)
    np.testing.assert_allclose(values, one_by_one(folder, *pairs), atol=1e-5)


def test_a_tokenizer_without_a_frame_gives_an_empty_text_its_end(tmp_path):
    folder = write_seq2seq("bart", tmp_path / "bare")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.backend_tokenizer.post_processor = None
    tokenizer.save_pretrained(folder)
    assert AutoTokenizer.from_pretrained(folder).encode("") == []
    values = prepared(folder)(["", "good"], ["good", ""])
    assert np.isfinite(values).all()
    assert (values < 0).all()


def test_bfloat16_is_near(folder):
    hypotheses, references = shared(2, 3)
    measure = prepared(folder)
    half = measure(hypotheses, references, precision="bfloat16")
    np.testing.assert_allclose(half, measure(hypotheses, references), rtol=0.05)


def test_names_tell_what_differs(tmp_path):
    folder = write_seq2seq("t5", tmp_path / "model")  # has no positions to run out of
    assert BARTScore(folder).prepare("cpu").name == "bartscore[model]@1"
    measure = BARTScore(folder, direction="f", max_length=20, label="small").prepare("cpu")
    assert measure.name == "bartscore[small,direction=f,max_length=20]@1"
    assert BARTScore().model == "facebook/bart-large-cnn"
    assert BARTScore().name == "bartscore[bart-large-cnn]@1"


def test_faults_are_told(tmp_path):
    with pytest.raises(UnknownName, match=r"direction 'recal'\. Did you mean 'recall'"):
        BARTScore("x", direction="recal")
    with pytest.raises(BadValue, match="max_length = 2"):
        BARTScore("x", max_length=2)
    encoder = write_encoder("bert", tmp_path / "encoder")
    with pytest.raises(BadModel, match="no seq2seq model, but a 'bert'"):
        BARTScore(encoder).prepare("cpu")
    with pytest.raises(BadValue, match="max_length = 1024: expected at most 96"):
        BARTScore(write_seq2seq("bart", tmp_path / "short")).prepare("cpu")
    nowhere = write_seq2seq("t5", tmp_path / "nowhere", decoder_start_token_id=None)
    with pytest.raises(BadModel, match="decoder_start_token_id"):
        BARTScore(nowhere).prepare("cpu")
