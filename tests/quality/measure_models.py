"""Tiny random models of the kinds that measures read, as directories."""

import numpy as np
import torch
from tiny_models import POSITIONS, WORDS, byte_tokenizer, word_tokenizer, write
from transformers import (
    AutoModel,
    BartConfig,
    BartForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
)

SIZES = {
    "bart": (
        BartConfig,
        BartForConditionalGeneration,
        {
            "d_model": 16,
            "encoder_layers": 2,
            "decoder_layers": 2,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "encoder_ffn_dim": 32,
            "decoder_ffn_dim": 32,
            "max_position_embeddings": POSITIONS,
            "decoder_start_token_id": 3,
        },
    ),
    "t5": (
        T5Config,
        T5ForConditionalGeneration,
        {
            "d_model": 16,
            "d_kv": 8,
            "d_ff": 32,
            "num_layers": 3,
            "num_decoder_layers": 2,
            "num_heads": 2,
            "decoder_start_token_id": 0,
        },
    ),
}


def write_encoder(kind, folder, seed=0):
    """An encoder whose tokenizer knows its longest text, as those of the hub do."""
    tokenizer = byte_tokenizer() if kind == "llama" else word_tokenizer(kind)
    tokenizer.model_max_length = POSITIONS
    if kind == "llama":
        tokenizer.pad_token = "</s>"
    return write(kind, folder, AutoModel, tokenizer=tokenizer, seed=seed)


def write_seq2seq(kind, folder, seed=0, **options):
    """A random seq2seq model with a tokenizer of the frame [CLS] … [SEP]."""
    tokenizer = word_tokenizer("roberta")
    config, model_kind, size = SIZES[kind]
    torch.manual_seed(seed)
    ends = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    model = model_kind(config(vocab_size=len(tokenizer), **ends, **{**size, **options}))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def texts(count, seed=0, longest=30):
    """Random texts of known and unknown words; some repeat, some are too long for POSITIONS."""
    random = np.random.default_rng(seed)
    found = []
    for i in range(count):
        size = 2 * POSITIONS if i % 9 == 4 else int(random.integers(1, longest))
        found.append(" ".join(random.choice([*WORDS, "Zebra", "yes", "…"], size)))
    return found


def shared(prompts, candidates, seed=0):
    """Hypotheses and references: each reference is shared by its prompt's candidates."""
    references = texts(prompts, seed)
    pairs = [
        (text, reference)
        for i, reference in enumerate(references)
        for text in texts(candidates, 100 * seed + i + 1)
    ]
    return [text for text, _ in pairs], [reference for _, reference in pairs]
