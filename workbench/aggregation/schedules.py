"""The table of schedules: `schedule(mask, keys, **params)`, a generator of rounds (`lock_step`)."""

from collections.abc import Callable

from workbench.aggregation.all_pairs import all_pairs
from workbench.aggregation.bubble import bubble
from workbench.aggregation.knockout import knockout
from workbench.aggregation.lock_step import Rounds
from workbench.aggregation.merge_sort import merge_sort
from workbench.aggregation.quick_sort import quick_sort
from workbench.aggregation.swiss import swiss
from workbench.aggregation.top_k import top_k
from workbench.catalog import Catalog

SCHEDULES: Catalog[Callable[..., Rounds]] = Catalog("schedule")
SCHEDULES.add("all")(all_pairs)
SCHEDULES.add("bubble")(bubble)
SCHEDULES.add("knockout")(knockout)
SCHEDULES.add("quick_sort")(quick_sort)
SCHEDULES.add("merge_sort")(merge_sort)
SCHEDULES.add("swiss")(swiss)
SCHEDULES.add("top_k")(top_k)

OUTCOMES = ("bubble", "knockout", "quick_sort", "merge_sort", "top_k")
"""Schedules whose own outcome is a scheme of the same name and parameters."""
