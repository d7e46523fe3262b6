"""Tiny random models with heads, as directories like those of the hub."""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    BertConfig,
    DebertaV2Config,
    LlamaConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
)

from workbench.models.vocabulary import tiny_tokenizer

SENTENCE = "the a it is one two answer very much like that good bad question why ? how"
WORDS = SENTENCE.split()
TEXTS = [SENTENCE, "Zebra yes no, the user asks; the assistant answers."]
SIZE = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
DEBERTA = {
    "relative_attention": True,
    "position_buckets": 8,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "type_vocab_size": 0,
}
POSITIONS = 96
CHAT = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>\n"
    "{{ message['content'] | trim }}{{ eos_token }}{% endfor %}"
)


def config_of(kind, vocab_size, **options):
    """A configuration; "llama" has no padding, the others have it as their tokenizers do."""
    own = {
        "bert": (BertConfig, {"pad_token_id": 0, "max_position_embeddings": POSITIONS}),
        "deberta": (DebertaV2Config, {"pad_token_id": 0, **DEBERTA}),
        "roberta": (RobertaConfig, {"pad_token_id": 0, "max_position_embeddings": POSITIONS + 1}),
        "llama": (LlamaConfig, {"bos_token_id": 0, "eos_token_id": 1}),
    }
    config, usual = own[kind]
    return config(**{**SIZE, "vocab_size": vocab_size, **usual, **options})


def word_tokenizer(kind):
    """BERT's frame; for "bert" with token types, for "roberta" with a second separator."""
    tokenizer = tiny_tokenizer(TEXTS, 120, markers=False)
    frames = {"bert": "[CLS] $A [SEP] $B:1 [SEP]:1", "roberta": "[CLS] $A [SEP] [SEP] $B [SEP]"}
    if kind in frames:
        ids = [(t, tokenizer.convert_tokens_to_ids(t)) for t in ("[CLS]", "[SEP]")]
        tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair=frames[kind], special_tokens=ids
        )
    if kind == "bert":
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=tokenizer.backend_tokenizer,
            model_input_names=["input_ids", "token_type_ids", "attention_mask"],
            **tokenizer.special_tokens_map,
        )
    return tokenizer


def byte_tokenizer(chat_template=CHAT):
    """A decoder's: bytes, no padding, a token before each text, and a chat template."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<s>", "</s>", "<|user|>", "<|assistant|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(TEXTS, trainer)
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 0)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        chat_template=chat_template,
        additional_special_tokens=special[2:],
    )
    tokenizer.add_tokens(["…"])
    return tokenizer


def write(kind, folder, model_kind, *, tokenizer=None, seed=0, **options):
    """Writes a random model and its tokenizer; gives the folder's name."""
    if tokenizer is None:
        tokenizer = byte_tokenizer() if kind == "llama" else word_tokenizer(kind)
    config = config_of(kind, len(tokenizer), **options)
    torch.manual_seed(seed)
    model = model_kind.from_config(config)
    # Weights far from the usual small ones, so that wrong tokens make wrong scores.
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def write_classifier(kind, folder, **options):
    options = {"num_labels": 1, **options}
    return write(kind, folder, AutoModelForSequenceClassification, **options)


def write_mlm(kind, folder, **options):
    return write(kind, folder, AutoModelForMaskedLM, **options)
