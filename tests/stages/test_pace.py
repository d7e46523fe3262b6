"""When a stage writes: soon at first, and never later than half a minute after it last did."""

from itertools import pairwise
from types import SimpleNamespace

import pytest

from workbench.stages import pace


@pytest.mark.parametrize("seconds", [1e-4, 0.05, 4.0])
def test_a_kill_costs_half_a_minute_whatever_a_pair_takes(monkeypatch, seconds):
    now = [0.0]
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: now[0]))
    waiting = dict.fromkeys(range(20_000 if seconds < 1 else 60), 11)
    chunks, took = [], []
    for prompts in pace.paced(waiting):
        chunks.append(prompts)
        took.append(11 * len(prompts) * seconds)
        now[0] += took[-1]
    assert [prompt for chunk in chunks for prompt in chunk] == list(waiting)
    assert took[0] < 230
    assert max(took[1:]) < 30 + 11 * 4
    assert len(chunks) < 5 + sum(took) / 8


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
