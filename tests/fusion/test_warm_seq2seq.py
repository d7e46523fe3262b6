"""An encoder–decoder that starts from an encoder: what is taken over, what is new, how it lasts."""

import pytest
import torch
from tiny_models import SENTENCE, write_classifier, write_mlm
from transformers import AutoModelForMaskedLM, AutoModelForSeq2SeqLM, AutoTokenizer

from workbench.errors import BadModel, BadValue, UnknownName
from workbench.fusion.decoding import Decoding
from workbench.fusion.examples import FusionExamples, prompt_arrays
from workbench.fusion.gen_fuser import GenFuser
from workbench.fusion.prompt import FusionPrompt
from workbench.fusion.targets import target_arrays
from workbench.fusion.warm_seq2seq import WarmSeq2Seq, layers_taken, warm_seq2seq
from workbench.models.encoder import EncoderOptions

PROMPT = FusionPrompt("plain", max_length=64)
SHORT = Decoding(max_new_tokens=24)
LAYERS = 4


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return write_mlm("bert", tmp_path_factory.mktemp("bert"), num_hidden_layers=LAYERS)


def fuser(encoder, layers=2, **options):
    torch.manual_seed(0)
    warm = WarmSeq2Seq(encoder, layers)
    return GenFuser(warm, prompt=PROMPT, decoding=SHORT, target_maxlength=16, **options).build()


def batch(fuser, rows=4):
    words = SENTENCE.split()
    texts = [" ".join(words[row : row + 3]) for row in range(rows)]
    prompts = prompt_arrays(fuser, ["say"] * rows, [""] * rows, [[text] for text in texts])
    targets = target_arrays(fuser, texts)
    examples = FusionExamples(prompts, targets, fuser.pad, fuser.causal)
    return examples.__getitems__(list(range(rows)))


def test_encoder_layers_and_head_are_taken_over(encoder):
    model, _ = warm_seq2seq(WarmSeq2Seq(encoder, 2), EncoderOptions())
    source = AutoModelForMaskedLM.from_pretrained(encoder).state_dict()
    for name, value in model.encoder.state_dict().items():
        if not name.startswith("pooler."):
            assert torch.equal(value, source[f"bert.{name}"]), name
    new = set()
    for name, value in model.decoder.state_dict().items():
        origin = name.replace("layer.1.", f"layer.{LAYERS - 1}.")
        if origin not in source:
            new.add(name.split(".")[4])
            continue
        assert torch.equal(value, source[origin]), name
    assert new == {"crossattention"}


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_one_embedding_of_words(kind, tmp_path):
    model, _ = warm_seq2seq(WarmSeq2Seq(write_mlm(kind, tmp_path)), EncoderOptions())
    words = model.encoder.get_input_embeddings().weight
    assert model.decoder.get_input_embeddings().weight is words
    assert model.decoder.get_output_embeddings().weight is words
    assert len({id(p) for p in model.parameters()}) == len(list(model.parameters()))


def test_an_encoder_without_a_head_to_write_with_will_do(tmp_path):
    name = write_classifier("bert", tmp_path)
    model, _ = warm_seq2seq(WarmSeq2Seq(name), EncoderOptions())
    assert all(value.isfinite().all() for value in model.state_dict().values())


def test_a_few_steps_lower_the_loss_and_every_weight_that_is_trained_moves(encoder):
    own = fuser(encoder, dropout=0.0)
    examples = batch(own)
    trained = [(n, p) for n, p in own.named_parameters() if p.requires_grad]
    before = {name: value.detach().clone() for name, value in trained}
    optimizer = torch.optim.AdamW([p for _, p in trained], lr=3e-3)
    losses = []
    for _ in range(12):
        loss = own.loss(examples)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.7 * losses[0]
    still = {name for name, value in trained if torch.equal(value, before[name])}
    # A key's bias adds the same to every score of a softmax.
    assert all("token_type" in name or name.endswith("key.bias") for name in still), still


def test_saved_it_is_a_plain_model_that_writes_the_same(encoder, tmp_path):
    own = fuser(encoder)
    own.eval()
    own.save_pretrained(tmp_path)
    asked = ["say"] * 2, ["", "one"], [["the answer", "two"], ["very good"]]
    written = [texts for made in own.fuse(*asked) for texts in made.texts]
    loaded = GenFuser.from_pretrained(tmp_path)
    assert loaded.prompt == PROMPT
    assert [texts for made in loaded.fuse(*asked) for texts in made.texts] == written
    plain = AutoModelForSeq2SeqLM.from_pretrained(tmp_path).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    with torch.no_grad():
        for made in own.fuse(*asked):
            for place, text in zip(made.index, made.texts, strict=True):
                [ids] = own.prompt.ids(tokenizer, *([part[place]] for part in asked))
                answer = plain.generate(torch.tensor([ids]), num_beams=4, max_new_tokens=24)
                assert tokenizer.decode(answer[0], skip_special_tokens=True) == text


def test_no_pooler_waits_for_a_gradient(encoder):
    own = fuser(encoder)
    own.loss(batch(own)).backward()
    assert all(p.grad is not None for p in own.parameters() if p.requires_grad)


def test_which_layers():
    assert layers_taken(6, None) == list(range(6))
    assert layers_taken(6, 3) == [0, 2, 5]
    assert layers_taken(12, 1) == [0]
    with pytest.raises(BadValue, match="at most 6"):
        layers_taken(6, 7)
    with pytest.raises(BadValue, match="decoder_layers"):
        WarmSeq2Seq("x", 0)


@pytest.mark.parametrize("kind", ["deberta", "llama"])
def test_a_kind_that_cannot_be_both(kind, tmp_path):
    if kind == "llama":
        write_classifier(kind, tmp_path)
    else:
        write_mlm(kind, tmp_path)
    with pytest.raises(BadModel, match="no decoder can start"):
        warm_seq2seq(WarmSeq2Seq(str(tmp_path)), EncoderOptions())


def test_lengths_beyond_the_positions_are_told_before_training(encoder):
    short = {"decoding": SHORT, "target_maxlength": 96}
    for length in (96, 97):
        long = GenFuser(
            WarmSeq2Seq(encoder), prompt=FusionPrompt("plain", max_length=length), **short
        )
        if length == 96:
            long.build()
            continue
        with pytest.raises(BadValue, match=r"prompt \(max_length\) = 97: expected at most 96"):
            long.build()
    for options in ({"target_maxlength": 97}, {"decoding": Decoding(max_new_tokens=97)}):
        with pytest.raises(BadValue, match=r"answer \(97\) = 97: expected at most 96"):
            GenFuser(WarmSeq2Seq(encoder), prompt=PROMPT, **(short | options)).build()


def test_options_from_plain_values(encoder):
    plain = {"encoder": encoder, "decoder_layers": 1}
    assert GenFuser(plain, prompt=PROMPT).model == WarmSeq2Seq(encoder, 1)
    assert GenFuser(plain, prompt=PROMPT).hparams["model"] == plain
    with pytest.raises(UnknownName, match="layers"):
        GenFuser({"encoder": encoder, "layers": 1})
