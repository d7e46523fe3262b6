"""Tiny random models that write, and a tokenizer of T5's kind."""

import json
from functools import cache

import torch
from tiny_models import CHAT, byte_tokenizer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
    T5Tokenizer,
)

GENERATION = "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
SENTENCES = [
    "Instruction: summarize the input for a given reader.",
    "Candidate answers are better or worse; which one is the best into 12 or 345?",
    "The cat's hat, naïve: isn't it? (yes) <no> / maybe",
    "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 ,.;:!?'()<>/_",
]


@cache
def t5_tokenizer():
    """Unigram pieces behind a blank, `</s>` and the sentinels among them, as T5's."""
    special = ["<pad>", "</s>", "<unk>"]
    backend = Tokenizer(models.Unigram())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=200, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    backend.train_from_iterator(SENTENCES * 3, trainer)
    pieces = [tuple(piece) for piece in json.loads(backend.to_str())["model"]["vocab"]]
    pieces += [(f"<extra_id_{n}>", 0.0) for n in reversed(range(5))]
    tokenizer = T5Tokenizer(vocab=pieces, extra_ids=5)
    tokenizer.backend_tokenizer.normalizer = normalizers.NFKC()
    return tokenizer


@cache
def chat_tokenizer():
    return byte_tokenizer(CHAT + GENERATION)


class Verbatim:
    """A tokenizer that leaves tokens as they are."""

    pad_token_id = 0

    def batch_decode(self, answers, **_):
        return answers


CONFIGS = {
    "t5": (
        T5Config,
        {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2},
        {"decoder_start_token_id": 0},
    ),
    "bart": (
        BartConfig,
        {"d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_ffn_dim": 32},
        {
            "decoder_ffn_dim": 32,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "max_position_embeddings": 256,
            "decoder_start_token_id": 1,
            "forced_eos_token_id": None,
        },
    ),
    "llama": (
        LlamaConfig,
        {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2},
        {"intermediate_size": 32},
    ),
    "gpt2": (GPT2Config, {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 256}, {}),
}
MODELS = {
    "t5": T5ForConditionalGeneration,
    "bart": BartForConditionalGeneration,
    "llama": LlamaForCausalLM,
    "gpt2": GPT2LMHeadModel,
}


def writer(kind, vocabulary, ends=(1,)):
    """A random model; several end tokens make answers of many lengths."""
    config, size, own = CONFIGS[kind]
    frame = {"pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 1, "vocab_size": vocabulary}
    torch.manual_seed(0)
    model = MODELS[kind](config(**size, **own, **frame))
    # Weights far from the usual small ones, so that wrong tokens make wrong answers.
    with torch.no_grad():
        for weight in (weight for weight in model.parameters() if weight.ndim > 1):
            weight.add_(torch.randn_like(weight) * 0.3)
    model.generation_config.eos_token_id = list(ends)
    return model.eval()
