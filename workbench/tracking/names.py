"""Settings and figures under names that MLflow takes."""

from collections.abc import Iterator, Mapping
from typing import Any


def flat_settings(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings as pairs of an `a.b` name and a value."""
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from flat_settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def plain(name: str) -> str:
    """A name with '_' for each character that MLflow does not take."""
    allowed = "_-. :/"
    return "".join(c if c.isalnum() or c in allowed else "_" for c in name)[:250]
