"""BLEURT checkpoints as they are on the hub, tiny and random, and what they compute, by hand."""

import json
import math

import torch
from safetensors.torch import save_file
from sentencepiece import SentencePieceTrainer
from tiny_models import TEXTS, word_tokenizer
from torch.nn.functional import gelu, layer_norm, linear

WIDTH, LAYERS, HEADS, FEED, POSITIONS, TYPES = 16, 2, 2, 32, 40, 2


def write_bleurt(folder, *, narrow=8, prefix="bleurt", safe=True, pieces=False, seed=0):
    """Writes configuration, tokenizer and weights; the weights by name.

    narrow: embedding_size of `lucadiliello/BLEURT-20*`, None as in `lucadiliello/bleurt-*`.
    prefix: "bert" for `Elron/bleurt-*`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = write_pieces(folder) if pieces else write_words(folder)
    config = {
        "model_type": prefix,
        "architectures": [f"{prefix.capitalize()}ForSequenceClassification"],
        "attention_probs_dropout_prob": 0.1,
        "hidden_dropout_prob": 0.1,
        "hidden_act": "gelu",
        "hidden_size": WIDTH,
        "id2label": {"0": "LABEL_0"},
        "label2id": {"LABEL_0": 0},
        "intermediate_size": FEED,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": POSITIONS,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
        "torch_dtype": "float32",
        "type_vocab_size": TYPES,
        "use_cache": False,
        "vocab_size": rows,
    }
    if prefix == "bleurt":
        config |= {"embedding_size": narrow, "classifier_dropout": None}
    (folder / "config.json").write_text(json.dumps(config))
    weights = random_weights(prefix, rows, narrow if prefix == "bleurt" else None, seed)
    if safe:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    else:
        torch.save(weights, folder / "pytorch_model.bin")
    return weights


def write_words(folder):
    tokenizer = word_tokenizer("bert")
    tokenizer.save_pretrained(folder)
    file = folder / "tokenizer_config.json"
    written = json.loads(file.read_text()) | {"tokenizer_class": "BleurtTokenizer"}
    file.write_text(json.dumps(written))
    return len(tokenizer)


def write_pieces(folder):
    SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20),
        model_prefix=str(folder / "spm"),
        vocab_size=60,
        hard_vocab_limit=False,
        control_symbols=["[CLS]", "[SEP]"],
        pad_id=0,
        unk_id=1,
        bos_id=-1,
        eos_id=-1,
        minloglevel=2,
    )
    (folder / "spm.vocab").unlink()
    config = {"tokenizer_class": "BleurtSPTokenizer", "cls_token": "[CLS]", "pad_token": "[PAD]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return 64


def random_weights(prefix, rows, narrow, seed):
    random = torch.Generator().manual_seed(seed)
    size = narrow or WIDTH
    shapes = {
        "embeddings.word_embeddings.weight": (rows, size),
        "embeddings.position_embeddings.weight": (POSITIONS, size),
        "embeddings.token_type_embeddings.weight": (TYPES, size),
        **norm("embeddings.LayerNorm", size),
        **({} if narrow is None else dense("encoder.embedding_projection", WIDTH, narrow)),
        **dense("pooler.dense", WIDTH, WIDTH),
    }
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}."
        for part in ("query", "key", "value"):
            shapes |= dense(f"{layer}attention.self.{part}", WIDTH, WIDTH)
        shapes |= dense(f"{layer}attention.output.dense", WIDTH, WIDTH)
        shapes |= norm(f"{layer}attention.output.LayerNorm", WIDTH)
        shapes |= dense(f"{layer}intermediate.dense", FEED, WIDTH)
        shapes |= dense(f"{layer}output.dense", WIDTH, FEED)
        shapes |= norm(f"{layer}output.LayerNorm", WIDTH)
    shapes = {f"{prefix}.{name}": shape for name, shape in shapes.items()}
    shapes |= dense("classifier", 1, WIDTH)
    weights = {name: torch.randn(shape, generator=random) * 0.4 for name, shape in shapes.items()}
    # A buffer that older versions of transformers wrote.
    weights[f"{prefix}.embeddings.position_ids"] = torch.arange(POSITIONS)[None]
    return weights


def dense(name, out, into):
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}


def norm(name, size):
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def score_by_hand(weights, first, second, start, end):
    """The score of one pair of token ids, from the weights alone."""
    prefix = next(name for name in weights if "." in name).split(".")[0]
    w = {name.removeprefix(f"{prefix}."): value for name, value in weights.items()}

    def through(name, x):
        return linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    def normed(name, x):
        return layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], 1e-12)

    ids = torch.tensor([start, *first, end, *second, end])
    types = torch.tensor([0] * (len(first) + 2) + [1] * (len(second) + 1))
    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.token_type_embeddings.weight"][types]
    x = normed("embeddings.LayerNorm", x + w["embeddings.position_embeddings.weight"][: len(ids)])
    if "encoder.embedding_projection.weight" in w:
        x = through("encoder.embedding_projection", x)
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}."
        q, k, v = (
            through(f"{layer}attention.self.{part}", x).view(len(ids), HEADS, -1).transpose(0, 1)
            for part in ("query", "key", "value")
        )
        share = (q @ k.transpose(1, 2) / math.sqrt(WIDTH // HEADS)).softmax(-1)
        seen = (share @ v).transpose(0, 1).reshape(len(ids), WIDTH)
        seen = through(f"{layer}attention.output.dense", seen)
        x = normed(f"{layer}attention.output.LayerNorm", x + seen)
        inner = through(f"{layer}output.dense", gelu(through(f"{layer}intermediate.dense", x)))
        x = normed(f"{layer}output.LayerNorm", x + inner)
    return float(through("classifier", through("pooler.dense", x[0]).tanh()))
