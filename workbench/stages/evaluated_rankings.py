"""Which rankings of the store an evaluation compares."""

import re

from workbench.aggregation import Scheme
from workbench.errors import UnknownName
from workbench.store.store import Store


def evaluated_rankings(
    store: Store, ranker: str | None, schemes: list[str] | None
) -> list[tuple[str, str]]:
    """Pairs of a ranker and a scheme, sorted.

    Args:
        store: holds the rankings.
        ranker: id of a ranker, or its beginning; None: any.
        schemes: with all settings where it is a bare name, else with those named; None: any.

    Raises:
        UnknownName: a ranker or a scheme without rankings.
        BadValue: a scheme that cannot be read.
    """
    rows = store.query("select distinct ranker, scheme from rankings order by ranker, scheme")
    known = list(zip(rows["ranker"].to_pylist(), rows["scheme"].to_pylist(), strict=True))
    if ranker and not any(r.startswith(ranker) for r, _ in known):
        raise UnknownName("ranker with rankings", ranker, {r for r, _ in known})
    ranked = {s for r, s in known if not ranker or r.startswith(ranker)}
    chosen = set().union(*(_meant(text, ranked) for text in schemes)) if schemes else ranked
    return [(r, s) for r, s in known if (not ranker or r.startswith(ranker)) and s in chosen]


def _meant(text: str, ranked: set[str]) -> set[str]:
    """The ranked schemes that a text means: with a bare name all settings of it, else one."""
    names = {scheme: re.split("[(;]", scheme)[0] for scheme in ranked}
    if text.isidentifier():
        if text not in names.values():
            raise UnknownName("ranked scheme", text, set(names.values()))
        return {scheme for scheme, name in names.items() if name == text}
    scheme = str(Scheme.parse(text))
    if scheme not in ranked:
        raise UnknownName("ranked scheme", scheme, ranked)
    return {scheme}
