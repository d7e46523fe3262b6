"""From pair logits to scores and ranks: on arrays, vectorised over prompts, ragged by mask.

To add a scheme, write `scheme(L, mask, *, parameters with defaults) -> scores` in a file of its
own and enter it in `schemes.py`; to add a schedule, write a generator of rounds (`lock_step.py`)
and enter it in `schedules.py`.
"""

from workbench.aggregation.lock_step import Compare, Round, Rounds, stored
from workbench.aggregation.order import ORDERS, apply_order
from workbench.aggregation.played import Played
from workbench.aggregation.preferences import preferences
from workbench.aggregation.ranks import ranks
from workbench.aggregation.schedule import Schedule
from workbench.aggregation.schedules import OUTCOMES, SCHEDULES
from workbench.aggregation.scheme import Ranked, Scheme
from workbench.aggregation.schemes import SCHEMES
from workbench.aggregation.seeds import prompt_keys

__all__ = [
    "ORDERS",
    "OUTCOMES",
    "SCHEDULES",
    "SCHEMES",
    "Compare",
    "Played",
    "Ranked",
    "Round",
    "Rounds",
    "Schedule",
    "Scheme",
    "apply_order",
    "preferences",
    "prompt_keys",
    "ranks",
    "stored",
]
