"""A fuser on disk is a plain transformers directory, and any such directory is a fuser."""

import json
import shutil

import pytest
import sentencepiece
import torch
from huggingface_hub import constants
from tiny_writers import chat_tokenizer, t5_tokenizer, writer
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from workbench.errors import BadModel, BadValue, UnknownName, WorkbenchError
from workbench.fusion.decoding import Decoding
from workbench.fusion.gen_fuser import GenFuser
from workbench.fusion.loading import load_fuser
from workbench.fusion.lora import LoRA
from workbench.fusion.prompt import FusionPrompt
from workbench.fusion.tiny_seq2seq import TinySeq2Seq

ASKED = (["which one?", "say two"], ["", "the input"], [["one", "it is two"], ["two"]])
SHORT = Decoding(beams=2, max_new_tokens=8)
TINY = TinySeq2Seq(hidden_size=16, layers=1, heads=2, intermediate=16, vocab_size=100)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def written(fuser, decoding=SHORT):
    texts = [""] * len(ASKED[0])
    for made in fuser.fuse(*ASKED, decoding=decoding):
        for place, text in zip(made.index, made.texts, strict=True):
            texts[place] = text
    return texts


def directory(kind, folder):
    """A plain model with its tokenizer."""
    tokenizer = t5_tokenizer() if kind == "t5" else chat_tokenizer()
    writer(kind, len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def tiny(**options):
    torch.manual_seed(0)
    prompt = FusionPrompt("plain", candidate_maxlength=3, show_ranks=False)
    own = GenFuser(TINY, prompt=prompt, decoding=SHORT, lr=1e-3, target_maxlength=9, **options)
    own.build([text for part in ASKED[:2] for text in part] + ["one two it is"])
    with torch.no_grad():
        for weight in own.parameters():
            weight.add_(torch.randn_like(weight) * 0.3)
    return own.eval()


def test_what_is_saved_comes_back_with_its_options(tmp_path):
    own = tiny(label_smoothing=0.1, attention="eager")
    own.save_pretrained(tmp_path)
    again = load_fuser(tmp_path)
    for name, value in own.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
    kept = {name: value for name, value in own.hparams.items() if name != "model"}
    assert {name: value for name, value in again.hparams.items() if name != "model"} == kept
    assert again.prompt == own.prompt
    assert again.decoding == SHORT
    assert not again.training
    assert written(again) == written(own)
    with pytest.raises(BadValue, match="a saved fuser has its own"):
        GenFuser.from_pretrained(tmp_path, lr=1.0)


def test_options_are_written_whole_so_that_other_defaults_do_not_change_them(tmp_path):
    tiny().save_pretrained(tmp_path)
    options = json.loads((tmp_path / "fuser.json").read_text())["options"]
    assert options["prompt"]["max_length"] == FusionPrompt().max_length
    assert options["decoding"]["length_penalty"] == Decoding().length_penalty
    assert options["label_smoothing"] == 0.0


def test_transformers_alone_reads_it(tmp_path):
    own = tiny()
    own.save_pretrained(tmp_path)
    model = AutoModelForSeq2SeqLM.from_pretrained(tmp_path).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for place, text in enumerate(written(own)):
        [ids] = own.prompt.ids(tokenizer, *([part[place]] for part in ASKED))
        answer = model.generate(torch.tensor([ids]), num_beams=2, max_new_tokens=8)
        assert tokenizer.decode(answer[0], skip_special_tokens=True) == text


@pytest.mark.parametrize(
    ("kind", "template", "longest"),
    [("t5", "gen_fuser", 1024), ("bart", "plain", 256), ("gpt2", "chat", 256 - 24),
     ("llama", "chat", 1024)],
)  # fmt: skip
def test_a_plain_model_is_given_what_fits_it(kind, template, longest, tmp_path):
    name = directory(kind, tmp_path)
    if kind == "gpt2":  # its chat template's own words would fill the prompt
        fuser = GenFuser.from_pretrained(name, decoding=Decoding(max_new_tokens=24))
    else:
        fuser = GenFuser.from_pretrained(name)
        assert fuser.decoding == Decoding()
    assert (fuser.prompt.template, fuser.prompt.max_length) == (template, longest)
    assert fuser.hparams["prompt"]["template"] == template
    assert len(written(fuser)) == 2


def test_options_for_a_plain_model(tmp_path):
    name = directory("t5", tmp_path)
    prompt = FusionPrompt("plain", max_length=40)
    fuser = GenFuser.from_pretrained(name, prompt=prompt, decoding=SHORT, dtype="bfloat16")
    assert (fuser.prompt, fuser.decoding) == (prompt, SHORT)
    assert fuser.pretrained_model.dtype == torch.bfloat16
    with pytest.raises(UnknownName, match="option of a GenFuser"):
        GenFuser.from_pretrained(name, wording="x")
    with pytest.raises(UnknownName, match="model"):
        GenFuser.from_pretrained(name, model="other")
    with pytest.raises(BadValue, match="target_maxlength"):
        GenFuser.from_pretrained(name, target_maxlength=0)


def test_the_released_models_layout(tmp_path):
    """A T5 with a SentencePiece file and the sentinels beside it, as llm-blender/gen_fuser_3b."""
    text = tmp_path / "text"
    words = "Instruction: Input: Candidate 0: 1: Summarize candidates into a better one for the "
    text.write_text("\n".join([words + "given instruction: which say two one"] * 30), "utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(tmp_path / "spiece"), vocab_size=70,
        hard_vocab_limit=False, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2,
    )  # fmt: skip
    text.unlink()
    (tmp_path / "spiece.vocab").unlink()
    sentinels = [f"<extra_id_{place}>" for place in range(100)]
    told = {
        "tokenizer_class": "T5Tokenizer", "extra_ids": 100, "eos_token": "</s>",
        "unk_token": "<unk>", "pad_token": "<pad>", "additional_special_tokens": sentinels,
        "model_max_length": 512,
    }  # fmt: skip
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(told))
    (tmp_path / "special_tokens_map.json").write_text(
        json.dumps({name: told[name] for name in told if name.endswith(("_token", "_tokens"))})
    )
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "spiece.model"))
    writer("t5", pieces.get_piece_size() + 100).save_pretrained(tmp_path)
    # Older files have the settings of generation in the model's own.
    config = json.loads((tmp_path / "config.json").read_text())
    generation = tmp_path / "generation_config.json"
    config |= {name: json.loads(generation.read_text())[name]
               for name in ("decoder_start_token_id", "eos_token_id", "pad_token_id")}  # fmt: skip
    generation.unlink()
    (tmp_path / "config.json").write_text(json.dumps(config))
    fuser = load_fuser(tmp_path)
    assert fuser.prompt == FusionPrompt("gen_fuser")
    assert fuser.start == 0
    assert fuser.ends == [1]
    [ids] = fuser.prompt.ids(fuser.tokenizer, ["say two"], [""], [["one"]])
    assert fuser.tokenizer.convert_ids_to_tokens(ids).count("<extra_id_0>") == 1
    assert ids[:3] == pieces.encode("Instruction: say two")[:3]
    assert len(written(fuser)) == 2


def test_a_model_of_the_hub_is_read_from_its_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    own = tiny()
    for name in ("owner/fuser", "owner/plain"):
        model = tmp_path / "cache" / f"models--{name.replace('/', '--')}"
        (model / "refs").mkdir(parents=True)
        (model / "refs" / "main").write_text(COMMIT)
        snapshot = model / "snapshots" / COMMIT
        if name == "owner/fuser":
            own.save_pretrained(snapshot)
        else:
            directory("t5", snapshot)
    again = load_fuser("owner/fuser")
    assert again.prompt == own.prompt
    assert written(again) == written(own)
    assert load_fuser("owner/plain").prompt == FusionPrompt("gen_fuser")
    with pytest.raises(BadModel, match="owner/none"):
        load_fuser("owner/none")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is not JSON"),
        ("[]", "no saved fuser of this version"),
        ('{"format": "llm-ensemble-workbench/fuser", "version": 99, "options": {}}', "version 1"),
        ('{"format": "llm-ensemble-workbench/fuser", "version": 1}', "with options"),
        ({"lr": -1}, "lr = -1"),
        ({"attention": "fast"}, "attention"),
        ({"label_smoothing": "much"}, "fuser.json"),
        ({"wording": 1}, "wording"),
        ({"model": "other"}, "model"),
        ({"prompt": {"max_length": 1024, "nonsense": 1}}, "nonsense"),
        ({"prompt": {"max_length": "long"}}, "fuser.json"),
        ({"decoding": {"beams": 0}}, "beams"),
    ],
)
def test_damaged_options_are_told(content, told, tmp_path):
    tiny().save_pretrained(tmp_path)
    file = tmp_path / "fuser.json"
    if isinstance(content, dict):
        whole = json.loads(file.read_text())
        whole["options"] |= content
        content = json.dumps(whole)
    file.write_text(content)
    with pytest.raises(BadModel, match=told):
        load_fuser(tmp_path)


def test_a_directory_that_lacks_something_is_told(tmp_path):
    tiny().save_pretrained(tmp_path / "whole")
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        lacking = tmp_path / name
        shutil.copytree(tmp_path / "whole", lacking)
        (lacking / name).unlink()
        with pytest.raises(BadModel):
            load_fuser(lacking)
    with pytest.raises(WorkbenchError, match="no directory"):
        load_fuser(tmp_path / "nowhere")


def test_adapters_are_merged(tmp_path):
    name = directory("t5", tmp_path / "base")
    own = GenFuser(name, prompt=FusionPrompt(max_length=128), lora=LoRA(rank=2)).build().eval()
    with torch.no_grad():
        for key, weight in own.named_parameters():
            if "lora_B" in key:
                weight.normal_(std=0.5)
    own.save_pretrained(tmp_path / "saved")
    again = load_fuser(tmp_path / "saved")
    assert again.lora is None
    assert not any("lora" in key for key in again.state_dict())
    assert written(again) == written(own)
    assert written(own) != written(load_fuser(name))


def test_low_precision_stays(tmp_path):
    own = tiny(dtype="bfloat16")
    own.save_pretrained(tmp_path)
    again = load_fuser(tmp_path)
    assert again.pretrained_model.dtype == own.pretrained_model.dtype == torch.bfloat16
    assert written(again) == written(own)
