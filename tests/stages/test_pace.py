"""When a stage writes: soon at first, and never later than half a minute after it last did."""

from itertools import pairwise
from types import SimpleNamespace

from workbench.stages import pace


def test_writes_come_at_once_then_ever_later_up_to_half_a_minute(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: now[0]))
    due = pace.due()
    written = []
    for _ in range(4000):
        if due():
            written.append(now[0])
        now[0] += 0.05
    waits = [b - a for a, b in pairwise(written)]
    assert written[0] == 100.0
    assert [round(wait) for wait in waits] == [1, 2, 4, 8, 16, 30, 30, 30, 30, 30]
    assert max(waits) < 30.1
