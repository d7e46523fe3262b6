"""The two logits that PairRM's authors publish, beside those that this workbench computes.

    python experiments/pairrm_published.py                      # llm-blender/PairRM of the hub
    python experiments/pairrm_published.py --checkpoint DIR     # a directory, or another hub id

Needs the weights of the hub (1.7 GB), once; later runs find them in its cache without a network.
Ends with 1 where a logit differs by more than 0.01.
"""

import argparse
import sys

from workbench.errors import WorkbenchError
from workbench.ranking.pair_ranker import PairRanker
from workbench.ranking.pairrm import load_pairrm

PROMPTS = ["hello!", "I love you!"]
LEFT = ["hi!", "I hate you!"]
RIGHT = ["f**k off!", "I love you, too!"]
PUBLISHED = [1.9003, -1.2547]  # left minus right, the left candidate shown left only
TOLERANCE = 1e-2


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Compare PairRM's logits with the published ones.")
    parser.add_argument("--checkpoint", default="llm-blender/PairRM", help="directory or hub id")
    parser.add_argument("--local-files-only", action="store_true", help="never ask the hub")
    options = parser.parse_args(arguments)
    try:
        ranker = load_pairrm(
            PairRanker, options.checkpoint, local_files_only=options.local_files_only
        )
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 2
    found = ranker.compare(PROMPTS, LEFT, RIGHT).tolist()
    same = True
    for prompt, logit, published in zip(PROMPTS, found, PUBLISHED, strict=True):
        same &= abs(logit - published) <= TOLERANCE
        print(f"{prompt:12} found {logit:+.4f}   published {published:+.4f}")
    print("as published" if same else f"differs by more than {TOLERANCE}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
