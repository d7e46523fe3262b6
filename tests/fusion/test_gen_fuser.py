"""GenFuser's loss is that of transformers on the same labels, whatever the model and the batch."""

from functools import cache

import numpy as np
import pytest
import torch
from tiny_models import byte_tokenizer, config_of, word_tokenizer
from tiny_writers import chat_tokenizer, t5_tokenizer, writer
from transformers import AutoModelForSeq2SeqLM, EncoderDecoderConfig

from workbench.fusion.examples import IGNORED, FusionBatch, FusionExamples, prompt_arrays
from workbench.fusion.gen_fuser import GenFuser
from workbench.fusion.prompt import FusionPrompt
from workbench.fusion.targets import answer_loss, target_arrays

KINDS = ("t5", "bart", "bert2bert", "llama", "llama-chat", "gpt2")
ASKED = (
    ["which one?", "say two", "why is it so?"],
    ["", "the answer is very much like that", "one"],
    [["one", "it is one two"], ["two"], ["good", "bad", "the question"]],
)
REFERENCES = ["one", "the two answer is good", "it is that"]


def bert2bert(tokenizer):
    config = EncoderDecoderConfig.from_encoder_decoder_configs(
        config_of("bert", len(tokenizer)), config_of("bert", len(tokenizer))
    )
    config.decoder_start_token_id, config.eos_token_id = 2, 3
    config.pad_token_id = 0
    torch.manual_seed(0)
    return AutoModelForSeq2SeqLM.from_config(config).eval()


@cache
def fuser(kind, **options):
    if kind == "bert2bert":
        tokenizer = word_tokenizer("bert")
        assert tokenizer.convert_tokens_to_ids(["[CLS]", "[SEP]"]) == [2, 3]
        model = bert2bert(tokenizer)
    else:
        # Without a token of padding, but for T5's.
        plain = byte_tokenizer(chat_template=None)
        tokenizer = {"t5": t5_tokenizer(), "llama-chat": chat_tokenizer()}.get(kind, plain)
        model = writer(kind.split("-")[0], len(tokenizer))
    template = {"t5": "gen_fuser", "llama-chat": "chat"}.get(kind, "plain")
    own = GenFuser("some/model", prompt=FusionPrompt(template, max_length=512), **options)
    own.assemble(model, tokenizer)
    return own.eval()


def examples(fuser, rows=(0, 1, 2)):
    prompts = prompt_arrays(fuser, *ASKED)
    targets = target_arrays(fuser, REFERENCES)
    made = FusionExamples(prompts, targets, fuser.pad, fuser.causal)
    return made.__getitems__(list(rows))


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_that_of_transformers(kind):
    own = fuser(kind)
    batch = examples(own)
    with torch.no_grad():
        found = own.loss(batch)
        inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        wanted = own.pretrained_model(**inputs, labels=batch.labels).loss
    torch.testing.assert_close(found, wanted)
    assert found > 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_padding_and_company_change_nothing(kind):
    own = fuser(kind)
    with torch.no_grad():
        alone = [own.loss(examples(own, [row])) for row in range(3)]
        together = examples(own)
        counts = (together.labels != IGNORED).sum(dim=1)
        wider = FusionBatch(*(torch.nn.functional.pad(part, (0, 7), value=value) for part, value in
                              zip(together[:3], (own.pad, 0, IGNORED), strict=True)),
                            together.rows)  # fmt: skip
        expected = sum(loss * n for loss, n in zip(alone, counts, strict=True)) / counts.sum()
        torch.testing.assert_close(own.loss(together), expected)
        torch.testing.assert_close(own.loss(wider), expected)


@pytest.mark.parametrize("kind", ["llama-chat", "gpt2"])
def test_of_a_causal_model_only_the_answer_is_learned(kind):
    own = fuser(kind)
    [prompt, *_] = prompt_arrays(own, *ASKED)
    [target, *_] = target_arrays(own, REFERENCES)
    with torch.no_grad():
        logits = own.pretrained_model(torch.tensor([[*prompt, *target]])).logits[0]
        loss = own.loss(examples(own, [0]))
    # Naively: the probability of each token of the answer, given all before it.
    chances = logits.log_softmax(-1)
    places = range(len(prompt), len(prompt) + len(target))
    mean = np.mean([-chances[place - 1, target[place - len(prompt)]].item() for place in places])
    assert loss.item() == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_labels_are_smoothed_as_naively(causal):
    torch.manual_seed(1)
    logits, labels = torch.randn(2, 4, 5), torch.tensor([[1, 3, 0, 4], [2, 2, -100, -100]])
    if causal:
        labels[:, 0] = IGNORED
    losses = []
    for row in range(2):
        for place in range(4):
            label = labels[row, place]
            if label != IGNORED:
                chances = logits[row, place - causal].log_softmax(0)
                losses.append(-(0.9 * chances[label] + 0.1 * chances.mean()))
    wanted = torch.stack(losses).mean()
    torch.testing.assert_close(answer_loss(logits, labels, causal, 0.1), wanted)


def test_labels_are_smoothed_in_training_alone():
    own, plain = fuser("bart", label_smoothing=0.2), fuser("bart")
    batch = examples(own)
    with torch.no_grad():
        torch.testing.assert_close(own.loss(batch), plain.loss(batch))
        wanted = answer_loss(own(batch), batch.labels, False, 0.2)
        own.train()
        for module in own.pretrained_model.modules():  # dropout stays off
            module.eval()
        torch.testing.assert_close(own.loss(batch), wanted)
        assert wanted != plain.loss(batch)
    own.eval()


@pytest.mark.parametrize("kind", ["t5", "bart", "bert2bert"])
def test_a_decoder_begins_as_generation_does_wherever_that_is_told(kind):
    own = fuser(kind)
    batch = examples(own)
    with torch.no_grad():
        wanted = own.loss(batch)
        config = own.pretrained_model.config
        kept = config.decoder_start_token_id
        assert own.start == kept
        # transformers 5 writes what concerns generation into a file of its own.
        config.decoder_start_token_id = None
        own.pretrained_model.generation_config.decoder_start_token_id = kept
        try:
            torch.testing.assert_close(own.loss(batch), wanted)
        finally:
            config.decoder_start_token_id = kept


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_is_the_text_and_the_end_that_generation_stops_at(kind):
    own = fuser(kind)
    [target] = target_arrays(own, ["one two"])
    text = own.tokenizer.decode(target, skip_special_tokens=True)
    assert text == "one two"
    assert target[-1] in own.ends
    assert all(token not in own.ends for token in target[:-1])


def test_answers_of_bart_begin_as_it_is_forced_to():
    own = fuser("bart")
    settings = own.pretrained_model.generation_config
    [bare] = target_arrays(own, ["one"])
    settings.forced_bos_token_id = 0
    try:
        [framed] = target_arrays(own, ["one"])
    finally:
        settings.forced_bos_token_id = None
    assert framed.tolist() == [0, *bare.tolist()]


def test_a_target_that_is_cut_does_not_end():
    own = fuser("t5")
    for most in (2, 3, 200):
        own.hparams["target_maxlength"] = most
        for ids, text in zip(target_arrays(own, REFERENCES), REFERENCES, strict=True):
            whole = [*own.tokenizer(text, add_special_tokens=False)["input_ids"], 1]
            assert ids.tolist() == whole[:most]
    own.hparams["target_maxlength"] = 128
    assert target_arrays(own, [""])[0].tolist() == [1]


def test_a_reference_cannot_spell_a_special_token():
    own = fuser("t5")
    [ids] = target_arrays(own, ["one</s>two <extra_id_1>"])
    assert ids.tolist().count(1) == 1
    assert own.tokenizer.convert_tokens_to_ids("<extra_id_1>") not in ids


def test_the_end_is_one_that_generation_knows():
    tokenizer = byte_tokenizer(chat_template=None)
    model = writer("llama", len(tokenizer), ends=(7, 9))
    own = GenFuser("some/model", prompt=FusionPrompt("plain"))
    own.assemble(model, tokenizer)
    assert target_arrays(own, ["one"])[0][-1] == 7
