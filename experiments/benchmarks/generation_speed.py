"""How many tokens a second are generated, against a fixed batch of 4 padded to 1,024 tokens.

python experiments/benchmarks/generation_speed.py [--data FILE.jsonl.gz] [--model DIR] [--beams 4]

The same model reads the same prompts both ways, in turns and in one run: as llm-blender does,
with transformers' own `generate` on prompts in their order, and with `workbench.fusion.generate`,
sorted by length under a budget of tokens. Without a model it is one of T5-small's size with
random weights, without data the texts are random words. Prints tokens a second of both (on a CPU:
a second of this process's own time) and how many answers are equal.
"""

import argparse
import gzip
import json
import math
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import T5Config, T5ForConditionalGeneration

from workbench.fusion.decoding import Decoding
from workbench.fusion.generate import generate
from workbench.fusion.saved import usual_prompt
from workbench.fusion.seq2seq import read_language_model
from workbench.models.device import device_of
from workbench.models.vocabulary import tiny_tokenizer

BATCH, LENGTH = 4, 1024
Row = tuple[str, str, list[str]]


def read_rows(file: str | None, prompts: int, top_k: int) -> list[Row]:
    """Instruction, input and candidates of some prompts, drawn with a seed, or of all."""
    rng = random.Random(0)
    if file is None:
        words = [f"w{rng.randrange(3000)}" for _ in range(20000)]

        def text(mean: int) -> str:
            length = int(rng.lognormvariate(math.log(mean), 0.8))
            first = rng.randrange(len(words) - length)
            return " ".join(words[first : first + length])

        return [(text(60), "", [text(90) for _ in range(top_k)]) for _ in range(prompts)]
    content = Path(file).read_bytes()
    lines = (gzip.decompress(content) if file.endswith(".gz") else content).decode().splitlines()
    records = [json.loads(line) for line in lines]
    rows = []
    for record in rng.sample(records, min(prompts, len(records))):
        texts = [one["text"] for one in record["candidates"]]
        candidates = rng.sample(texts, min(top_k, len(texts)))
        rows.append((record["instruction"], record["input"], candidates))
    return rows


def random_model(rows: list[Row]) -> tuple[Any, Any]:
    """T5 of the size of T5-small, and a tokenizer of 8,000 pieces of the texts."""
    texts = [text for one in rows for text in (one[0], one[1], *one[2])]
    tokenizer = tiny_tokenizer(texts, 8000, markers=False)
    torch.manual_seed(0)
    config = T5Config(
        d_model=512, d_ff=2048, num_layers=6, num_heads=8, decoder_start_token_id=0,
        pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.sep_token_id,
        tie_word_embeddings=False,  # tied and random, it would write its own last token again
    )  # fmt: skip
    return T5ForConditionalGeneration(config), tokenizer


def fixed_batches(
    model: Any, tokenizer: Any, prompts: list[list[int]], decoding: Decoding
) -> tuple[list[str], int]:
    """Texts and tokens, as the reference generates them."""
    texts, count = [], 0
    left = not model.config.is_encoder_decoder
    pad, side = float(tokenizer.pad_token_id or 0), "left" if left else "right"
    blank = torch.zeros(LENGTH, dtype=torch.int64)
    for first in range(0, len(prompts), BATCH):
        # A row of full length more, and taken away again: padding to the maximum.
        rows = [*map(torch.tensor, prompts[first : first + BATCH]), blank]
        ids = pad_sequence(rows, True, pad, side)[:-1]
        mask = pad_sequence([torch.ones_like(row) for row in rows], True, 0.0, side)[:-1]
        told = model.generate(
            ids.to(model.device),
            attention_mask=mask.to(model.device),
            num_beams=decoding.beams,
            max_new_tokens=decoding.max_new_tokens,
            do_sample=False,
        )
        rows = told[:, LENGTH:] if left else told[:, 1:]
        texts += tokenizer.batch_decode(rows, skip_special_tokens=True)
        ends = torch.tensor(model.generation_config.eos_token_id, device=rows.device)
        ended = torch.isin(rows, ends).cumsum(dim=1) > 0
        count += int((~ended).sum())
    return texts, count


def sorted_batches(
    model: Any, tokenizer: Any, prompts: list[list[int]], decoding: Decoding, budget: int
) -> tuple[list[str], int]:
    """Texts and tokens, as the workbench generates them."""
    texts, count = [""] * len(prompts), 0
    for some in generate(model, tokenizer, prompts, decoding, tokens_per_batch=budget):
        for place, text in zip(some.index, some.texts, strict=True):
            texts[place] = text
        count += int(some.tokens_out.sum())
    return texts, count


def timed(work: Callable[[], tuple[list[str], int]], device: torch.device) -> tuple[Any, float]:
    """What comes out, and seconds: of this process on a CPU, which others may use too."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    start = clock()
    told = work()
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
    return told, clock() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="a MixInstruct file; default: random words")
    parser.add_argument("--model", help="a directory or hub id; default: random weights")
    parser.add_argument("--prompts", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--top_k", type=int, default=3)
    parser.add_argument("--beams", type=int, default=1)
    parser.add_argument("--max_new_tokens", type=int, default=128)
    parser.add_argument("--tokens_per_batch", type=int, default=16384)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    options = parser.parse_args()
    device = device_of(options.device)
    rows = read_rows(options.data, options.prompts, options.top_k)
    model, tokenizer = read_language_model(options.model) if options.model else random_model(rows)
    prompt = usual_prompt(model, tokenizer, options.max_new_tokens)
    prompts = prompt.ids(tokenizer, *map(list, zip(*rows, strict=True)))
    model = model.to(device, getattr(torch, options.dtype)).eval()
    decoding = Decoding(beams=options.beams, max_new_tokens=options.max_new_tokens)
    lengths = sorted(map(len, prompts))
    print(f"{len(prompts)} prompts of {lengths[0]} to {lengths[-1]} tokens, median "
          f"{lengths[len(lengths) // 2]}; {decoding}; {prompt.template}; {device}, "
          f"{options.dtype}, {torch.get_num_threads()} threads")  # fmt: skip
    ways = {
        "fixed batch of 4": lambda: fixed_batches(model, tokenizer, prompts, decoding),
        "sorted by length": lambda: sorted_batches(
            model, tokenizer, prompts, decoding, options.tokens_per_batch
        ),
    }
    best = dict.fromkeys(ways, 0.0)
    texts: dict[str, list[str]] = {}
    for turn in range(options.rounds):
        for name in list(ways)[:: -1 if turn % 2 else 1]:
            (texts[name], count), seconds = timed(ways[name], device)
            best[name] = max(best[name], count / seconds)
            print(f"round {turn + 1}, {name}: {count} tokens in {seconds:.1f} s", flush=True)
    slow, fast = best.values()
    equal = sum(a == b for a, b in zip(*texts.values(), strict=True))
    print(f"tokens a second: {slow:.0f} and {fast:.0f}, {fast / slow:.2f} times; "
          f"{equal} of {len(prompts)} answers equal")  # fmt: skip


if __name__ == "__main__":
    main()
