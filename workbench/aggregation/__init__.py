"""From pair logits to scores and ranks: numpy only, vectorised over prompts, ragged by mask.

To add a scheme, write `scheme(L, mask, *, parameters with defaults) -> scores` in a file of its
own and enter it in `schemes.py`.
"""

from workbench.aggregation.order import ORDERS, apply_order
from workbench.aggregation.preferences import preferences
from workbench.aggregation.ranks import ranks
from workbench.aggregation.schedule import comparisons
from workbench.aggregation.scheme import Scheme
from workbench.aggregation.schemes import SCHEMES
from workbench.aggregation.seeds import prompt_keys

__all__ = [
    "ORDERS",
    "SCHEMES",
    "Scheme",
    "apply_order",
    "comparisons",
    "preferences",
    "prompt_keys",
    "ranks",
]
