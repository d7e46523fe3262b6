"""Values with their intervals, one row each; and words on how many prompts were looked at."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pyarrow as pa

from dashboards.charts import LINES

NUMBER = ".3f"


def dots(
    numbers: pa.Table,
    row: str,
    value: str,
    title: str,
    order: Sequence[str],
    shown: str = NUMBER,
    colour: alt.Color | None = None,
    label_limit: int = 230,
) -> alt.LayerChart:
    """A dot for each row of `numbers`, with a line from `low` to `high` through it.

    Args:
        numbers: holds the columns `row` (what a dot is of), `value`, low, high and prompts.
        row, value: names of columns.
        title: of the axis.
        order: of the rows, from the top.
        shown: format of the numbers.
        colour: where dots are told apart by more than their row.
        label_limit: pixels that a row's name may take.
    """
    base = alt.Chart(numbers).encode(
        y=alt.Y(f"{row}:N", sort=list(order), title=None, axis=alt.Axis(labelLimit=label_limit)),
        tooltip=[
            alt.Tooltip(f"{row}:N", title=row),
            alt.Tooltip(f"{value}:Q", format=shown),
            alt.Tooltip("low:Q", format=shown),
            alt.Tooltip("high:Q", format=shown),
            alt.Tooltip("prompts:Q", format=","),
        ],
    )
    wide: dict[str, Any] = {"axis": alt.Axis(format=shown, tickCount=5)}
    ends = base.mark_rule(strokeWidth=2, color=LINES).encode(
        x=alt.X("low:Q", title=title, scale=alt.Scale(zero=False), **wide), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=alt.X(f"{value}:Q", title=title, scale=alt.Scale(zero=False), **wide)
    )
    if colour is not None:
        points = points.encode(color=colour)
    return ends + points


def levels(numbers: pa.Table, value: str, name: str, along: str = "x") -> alt.LayerChart:
    """Dashed lines across a chart, each with its name: what others are held against.

    Args:
        numbers: a row for each line.
        value, name: names of columns.
        along: the axis on which the values lie.
    """
    line = alt.Chart(numbers).mark_rule(strokeDash=[5, 4], color=LINES)
    text = alt.Chart(numbers).mark_text(
        align="left", baseline="bottom", dx=3, dy=-2, color=LINES, fontSize=11
    )
    if along == "x":
        at = alt.X(f"{value}:Q")
        return line.encode(x=at) + text.encode(x=at, y=alt.value(12), text=f"{name}:N")
    up = alt.Y(f"{value}:Q")
    return line.encode(y=up) + text.encode(y=up, x=alt.value(0), text=f"{name}:N")


def prompts_told(sizes: pa.Table) -> str:
    """How many prompts were looked at, from `prompts` and `of` of a query's table `sizes`."""
    prompts, of = sizes["prompts"][0].as_py(), sizes["of"][0].as_py()
    if prompts < of:
        return f"{prompts:,} of {of:,} prompts (a sample, the same each time)"
    return f"{of:,} prompts" if of != 1 else "1 prompt"
