"""Which ranker a stage means that reads comparisons, and how rankers and schemes are shown."""

import re
from collections.abc import Sequence

from workbench.aggregation import Schedule, Scheme
from workbench.errors import BadValue, UnknownName
from workbench.stages.trainings import the_only
from workbench.store.pool import names_of
from workbench.store.store import Store

_ID = re.compile("[0-9a-f]{16,}")


def compared_ranker(store: Store, ranker: str | None) -> str:
    """A ranker that has compared pairs in the store; None means the only one that there is.

    Raises:
        UnknownName: no ranker, or more than one, has an id that begins so.
        MissingInput: None, and there is no ranker or more than one.
    """
    known = names_of(store, "ranker")
    if ranker:
        matching = [name for name in known if name.startswith(ranker)]
        if len(matching) == 1:
            return matching[0]
        raise UnknownName("ranker", ranker, known)
    return the_only(known, "ranker in the comparisons", "workbench compare", "--ranker")


def short(ranker: str) -> str:
    """The first eight characters of an id, enough to tell runs apart; a label as it is."""
    return ranker[:8] if _ID.fullmatch(ranker) else ranker


def short_scheme(scheme: str) -> str:
    """A scheme for a narrow table: what is usual (defaults, both orders, schedule) left out.

    One that is not known here, registered by code that this process has not imported, as it is.
    """
    try:
        full = Scheme.parse(scheme)
    except (UnknownName, BadValue):
        return scheme
    seed = f"(seed={full.order_seed})" if full.order_seed else ""
    order = "" if full.order == "both" else f";order={full.order}{seed}"
    usual = Scheme(full.name).schedule.name
    schedule = _changed(full.schedule.name, full.schedule.params, Schedule(full.schedule.name))
    shown = "" if full.schedule.name == usual else f";schedule={schedule}"
    return _changed(full.name, full.params, Scheme(full.name)) + order + shown


def _changed(name: str, params: Sequence[tuple[str, float]], usual: Scheme | Schedule) -> str:
    """Name and those parameters that are not as they usually are."""
    defaults = dict(usual.params)
    told = ", ".join(f"{key}={value:g}" for key, value in params if value != defaults[key])
    return f"{name}({told})" if told else name
