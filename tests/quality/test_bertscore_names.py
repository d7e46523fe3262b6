"""What a BERTScore is called, what its values depend on, and options that cannot be used."""

import shutil

import pytest
from bert_score.utils import model2layers
from measure_models import write_encoder

from workbench.errors import BadModel, BadValue
from workbench.quality import bertscore
from workbench.quality.bertscore import BERTScore


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_encoder("bert", tmp_path_factory.mktemp("encoder") / "tiny")


def test_names_tell_what_differs(folder):
    assert BERTScore(folder).prepare("cpu").name == "bertscore[tiny]@1"
    assert BERTScore(folder, layer=2).prepare("cpu").name == "bertscore[tiny]@1"
    measure = BERTScore(folder, layer=1, max_length=20, prefix_space=True, label="mini")
    assert measure.prepare("cpu").name == "bertscore[mini,layer=1,max_length=20,prefix_space]@1"


def test_idf_is_named_by_its_references_whatever_their_order(folder):
    names = []
    for references in (["a", "b", "", "a"], ["b", "a"], ["b", "a", "c"]):
        names.append(BERTScore(folder, idf=True).prepare("cpu").prepare_references(references).name)
    assert names[0] == names[1] != names[2]
    assert names[0].startswith("bertscore[tiny,idf=")
    unprepared = BERTScore(folder, idf=True).prepare("cpu")
    with pytest.raises(BadModel, match="prepare_references"):
        _ = unprepared.name
    with pytest.raises(BadModel, match="prepare_references"):
        unprepared(["a"], ["b"])


def test_content_is_that_of_the_files_wherever_they_lie(folder, tmp_path):
    before = BERTScore(folder).prepare("cpu").content()
    shutil.copytree(folder, tmp_path / "copy")
    assert BERTScore(str(tmp_path / "copy")).prepare("cpu").content() == before
    (tmp_path / "copy" / "README.md").write_text("not a part of the model")
    assert BERTScore(str(tmp_path / "copy")).prepare("cpu").content() == before
    baseline = tmp_path / "baseline.tsv"
    baseline.write_text("LAYER,P,R,F\n2,0.5,0.5,0.5")
    rescaled = BERTScore(folder, baseline=str(baseline)).prepare("cpu")
    assert rescaled.name == "bertscore[tiny,rescaled]@1"
    assert rescaled.content() != before
    other = write_encoder("bert", tmp_path / "other", seed=1)
    assert BERTScore(other).prepare("cpu").content() != before


def test_a_well_known_models_layer_is_the_packages(folder, tmp_path, monkeypatch):
    packages = {name.rpartition("/")[2]: layer for name, layer in model2layers.items()}
    assert packages == bertscore.BEST_LAYERS
    monkeypatch.setitem(bertscore.BEST_LAYERS, "known-model", 1)
    shutil.copytree(folder, tmp_path / "known-model")
    known = str(tmp_path / "known-model")
    assert BERTScore(known).prepare("cpu").name == "bertscore[known-model,layer=1]@1"
    assert BERTScore(known, layer=2).prepare("cpu").name == "bertscore[known-model]@1"


def test_a_space_before_a_text_matters_where_the_tokenizer_sees_it(tmp_path):
    folder = write_encoder("llama", tmp_path / "bytes")
    pair = ["good"], ["the good"]
    spaced = BERTScore(folder, prefix_space=True).prepare("cpu")
    assert spaced(*pair) != BERTScore(folder).prepare("cpu")(*pair)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"layer": 3}, "layer = 3: expected 0 to 2"),
        ({"layer": -1}, "layer = -1"),
        ({"max_length": 97}, "max_length = 97: expected at most 96"),
        ({"max_length": 1}, "max_length = 1"),
        ({"baseline": "nowhere.tsv"}, "baseline = 'nowhere.tsv'"),
        ({"label": "a,b"}, "label = 'a,b'"),
        ({"label": ""}, "label = ''"),
    ],
)
def test_options_that_cannot_be_used_are_told(folder, options, told):
    with pytest.raises(BadValue, match=told):
        BERTScore(folder, **options).prepare("cpu")


@pytest.mark.parametrize("written", ["LAYER,P,R,F\n0,1,1,1", "LAYER,P,R,F\n2,.1,.1,x", "text"])
def test_a_baseline_without_the_layer_is_told(folder, tmp_path, written):
    file = tmp_path / "baseline.tsv"
    file.write_text(written)
    with pytest.raises(BadValue, match="a column F with a number < 1 for layer 2"):
        BERTScore(folder, baseline=str(file)).prepare("cpu")


def test_calls_that_cannot_be_answered_are_told(folder):
    with pytest.raises(BadModel, match=r"call prepare\(\)"):
        BERTScore(folder)(["a"], ["b"])
    measure = BERTScore(folder).prepare("cpu")
    with pytest.raises(BadValue, match="number of references = 2"):
        measure(["a"], ["b", "c"])
    with pytest.raises(BadValue, match="precision = 'float16'"):
        measure(["a"], ["b"], precision="float16")
    with pytest.raises(BadValue, match="tokens_per_batch = 0"):
        measure(["a"], ["b"], tokens_per_batch=0)
