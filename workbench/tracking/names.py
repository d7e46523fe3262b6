"""Settings and figures under names that MLflow takes."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_CHARACTERS = "_-. :/"
_LENGTH = 250


def flat_settings(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings as pairs of an `a.b` name and a value."""
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from flat_settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """Each name with the one that MLflow takes for it, no two the same.

    Where several names come to the same plain one, those that had to change for it end on a
    hash of what they were.
    """
    plain = {name: plain_name(name) for name in names}
    used = Counter(plain.values())
    return {
        name: new if new == name or used[new] == 1 else _hashed(name, new)
        for name, new in plain.items()
    }


def plain_name(name: str) -> str:
    """A name that MLflow takes: '_' for characters that it does not, and no path tricks.

    MLflow reads a name as a path and refuses one that can be written shorter, so an empty part,
    '.' and what begins with '..' get a '_' in front. A name that is too long ends on its hash.

    >>> plain_name("alpaca//rougeL@1/../x")
    'alpaca/_/rougeL_1/_../x'
    """
    allowed = "".join(c if c.isalnum() or c in _CHARACTERS else "_" for c in name)
    parts = allowed.split("/")
    new = "/".join(f"_{p}" if p in ("", ".") or p.startswith("..") else p for p in parts)
    return new if len(new) <= _LENGTH else _hashed(name, new)


def _hashed(name: str, new: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    # A cut may leave a '/' at the end, which MLflow would refuse.
    return f"{new[: _LENGTH - 9]}_{digest}"
