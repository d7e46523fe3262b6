"""The measures of an answer against a reference, by name.

A measure's name ends in the version of its definition (`rougeL@1`): whoever changes what a
measure computes changes its name, so that old and new values in a store never mix.
"""

from collections.abc import Callable

import numpy as np

from workbench.catalog import Catalog
from workbench.errors import BadValue

Measure = Callable[[list[str], list[str]], np.ndarray]
"""`measure(hypotheses, references) -> [n]` float64, higher is better; both lists have n texts."""

MEASURES: Catalog[Measure] = Catalog("measure")


def check_pairs(hypotheses: list[str], references: list[str]) -> None:
    """BadValue where the two lists differ in length."""
    if len(hypotheses) != len(references):
        expected = f"as many as hypotheses, {len(hypotheses)}"
        raise BadValue("number of references", len(references), expected)
