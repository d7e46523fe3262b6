"""A small PairRM checkpoint with random weights, and its logits computed naively.

Written from the format's description alone: lists of ids, one pair at a time, no padding, and
nothing of the workbench. Run as a script it writes `pairrm_golden.json` anew.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import DebertaV2Config, DebertaV2Model, PreTrainedTokenizerFast

GOLDEN = Path(__file__).parent / "pairrm_golden.json"
SOURCE_MAXLENGTH, CANDIDATE_MAXLENGTH = 16, 10
ADDED = ["<|source|>", "<|candidate1|>", "<|candidate2|>", "<|candidate|>"]
KEYS = ["source_prefix_id", "cand1_prefix_id", "cand2_prefix_id", "cand_prefix_id"]
WORDS = "the a it is was one answer very much like that good bad why how what question fox ran"
LETTERS = "▁abcdefghijklmnopqrstuvwxyz.,!?<>|[]019é你好"
LONG = "the fox ran and it was good " * 6
CASES = [
    {"source": "what is the question?", "candidates": ["a good answer", "bad", "it is one, very"]},
    {
        "source": "Odd ones",
        "candidates": [
            "",
            "   ",
            "[SEP] literal [CLS]",
            "a [SEP] b",
            "naïve café",
            "你好。",
            "Ｆｏｘ…",
        ],
    },
    {"source": "", "candidates": ["fox", "<|candidate1|> fox", "the <|source|>", "[MASK] \n ran"]},
    {"source": LONG, "candidates": [LONG, LONG + "not the same", "good", "very " * 20]},
    {"source": "why? " * 2, "candidates": ["one " * 9, "one " * 10, "one " * 11, "one " * 12]},
]


def edit_json(file, **values):
    """Sets keys of a JSON file; None takes one away."""
    content = json.loads(file.read_text("utf-8")) | values
    content = {key: value for key, value in content.items() if value is not None}
    file.write_text(json.dumps(content), "utf-8")


def write_tokenizer(directory):
    pieces = ["▁" + word for word in WORDS.split()] + list(LETTERS)
    vocabulary = [(piece, 0.0) for piece in ("[PAD]", "[CLS]", "[SEP]", "[UNK]")]
    vocabulary += [(piece, -2.0 - 0.01 * n) for n, piece in enumerate(dict.fromkeys(pieces))]
    backend = Tokenizer(models.Unigram(vocabulary, unk_id=3, byte_fallback=False))
    backend.normalizer = normalizers.Sequence(
        [normalizers.Strip(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    names = {f"{kind}_token": f"[{kind.upper()}]" for kind in ("pad", "cls", "sep", "unk", "mask")}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, **names)
    tokenizer.add_tokens(ADDED)
    tokenizer.save_pretrained(directory)
    # The class that transformers 4 writes for DeBERTa, whatever normaliser tokenizer.json holds.
    edit_json(Path(directory) / "tokenizer_config.json", tokenizer_class="DebertaV2Tokenizer")
    return tokenizer


def write_checkpoint(directory, *, hf=False, n_tasks=2):
    """A checkpoint in the PairRM or the PairRM-hf format; its weights are always the same."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer = write_tokenizer(directory)
    backbone = DebertaV2Config(
        vocab_size=len(tokenizer),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        type_vocab_size=0,
        relative_attention=True,
        position_buckets=8,
        position_biased_input=False,
        pos_att_type=["p2c", "c2p"],
        share_att_key=True,
        norm_rel_ebd="layer_norm",
        layer_norm_eps=1e-7,
        pad_token_id=0,
    )
    lengths = {"source_maxlength": SOURCE_MAXLENGTH, "candidate_maxlength": CANDIDATE_MAXLENGTH}
    common = {"n_tasks": n_tasks, "drop_out": 0.05, **lengths}
    if hf:
        ids = dict(zip(KEYS, tokenizer.convert_tokens_to_ids(ADDED), strict=True))
        config = {**backbone.to_dict(), **common, **ids, "architectures": ["DebertaV2PairRM"]}
    else:
        kind = {"ranker_type": "pairranker", "model_type": "deberta", "model_name": "some/base"}
        config = {**kind, **common}
        (directory / "backbone_config.json").write_text(json.dumps(backbone.to_dict()))
    (directory / "config.json").write_text(json.dumps(config))
    encoder = {
        f"pretrained_model.{k}": v.shape for k, v in DebertaV2Model(backbone).state_dict().items()
    }
    head = {
        "head_layer.1.weight": (24, 48),
        "head_layer.1.bias": (24,),
        "head_layer.4.weight": (n_tasks, 24),
        "head_layer.4.bias": (n_tasks,),
    }
    rng = np.random.RandomState(0)  # a stream that never changes, unlike torch's
    weights = {}
    for name, shape in sorted((encoder | head).items()):
        value = rng.standard_normal(tuple(shape)) * 0.3
        weights[name] = torch.tensor(value + ("LayerNorm.weight" in name), dtype=torch.float32)
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    return directory


class NaivePairRM:
    """The reference's arithmetic, for one pair at a time."""

    def __init__(self, directory, backbone="backbone_config.json"):
        directory = Path(directory)
        self.tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=str(directory / "tokenizer.json"),
            cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]", pad_token="[PAD]",
        )  # fmt: skip
        weights = load_file(directory / "model.safetensors")
        config = DebertaV2Config(**json.loads((directory / backbone).read_text()))
        self.encoder = DebertaV2Model(config).eval()
        prefix = "pretrained_model."
        self.encoder.load_state_dict(
            {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
        )
        self.head = {k: v.double().numpy() for k, v in weights.items() if k.startswith("head")}

    def segment(self, marker, text, maxlength):
        body = self.tokenizer.encode(marker + text.replace("[SEP]", " "), add_special_tokens=False)
        forged = self.tokenizer.convert_tokens_to_ids([*ADDED, "[SEP]", "[PAD]"])
        body = body[:1] + [3 if i in forged else i for i in body[1:]]
        return [1, *body[: maxlength - 2], 2]

    def sequence(self, source, left, right):
        """Ids, and where the three markers stand."""
        first = self.segment("<|source|>", source, SOURCE_MAXLENGTH)
        most = CANDIDATE_MAXLENGTH + (SOURCE_MAXLENGTH - len(first)) // 2
        second = self.segment("<|candidate1|>", left, most)
        third = self.segment("<|candidate2|>", right, most)
        places = [1, len(first) + 1, len(first) + len(second) + 1]
        return first + second + third, places

    def logit(self, source, left, right):
        ids, places = self.sequence(source, left, right)
        with torch.no_grad():
            hidden = self.encoder(input_ids=torch.tensor([ids])).last_hidden_state[0]
        s, a, b = hidden.double().numpy()[places]
        return float(np.mean(self._score(s, a) - self._score(s, b)))

    def _score(self, source, candidate):
        inner = self.head["head_layer.1.weight"] @ np.concatenate([source, candidate])
        inner = np.tanh(inner + self.head["head_layer.1.bias"])
        return self.head["head_layer.4.weight"] @ inner + self.head["head_layer.4.bias"]

    def logits(self, source, candidates):
        """[N][N], i left and j right; 0 on the diagonal."""
        n = range(len(candidates))
        return [
            [self.logit(source, candidates[i], candidates[j]) if i != j else 0.0 for j in n]
            for i in n
        ]


def max_logits(logits):
    """Scores as the reference gives them, divided by N, and ranks."""
    n = len(logits)
    scores = [sum(logits[i][j] - logits[j][i] for j in range(n)) / n for i in range(n)]
    return scores, [1 + sum(other > mine for other in scores) for mine in scores]


def golden(directory):
    naive = NaivePairRM(directory)
    cases = []
    for case in CASES:
        logits = naive.logits(**case)
        scores, ranks = max_logits(logits)
        cases.append({**case, "logits": logits, "max_logits_scores": scores, "ranks": ranks})
    return cases


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        cases = golden(write_checkpoint(folder))
    GOLDEN.write_text(json.dumps(cases, indent=1, ensure_ascii=False) + "\n", "utf-8")
    sys.stdout.write(f"wrote {GOLDEN.name}\n")
