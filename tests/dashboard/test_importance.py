"""Importance of settings, whatever they are."""

import json

import pyarrow as pa
import pytest

from dashboards.importance import LEAST, importances


@pytest.mark.parametrize("odd", [
    [{"a": 1}, {"a": 1.0}, {"a": True}, {"a": "1"}, {"a": None}, {}],
    [{"a": [1, 2]}, {"a": {"b": 1}}, {"b": 2}],
    [{"a": n} for n in range(60)],
    [{"a": n / 7} for n in range(60)],
    [{"a": str(n)} for n in range(200)],
    [{}],
])  # fmt: skip
def test_importance_takes_any_settings(odd):
    count = max(LEAST, len(odd)) * 2
    settings = [odd[n % len(odd)] for n in range(count)]
    values = [float(n % len(odd)) for n in range(count)]
    found = importances(
        pa.table({"value": values, "settings": [json.dumps(one) for one in settings]}), False
    )
    assert found.num_rows == 0 or sum(found["importance"].to_pylist()) == pytest.approx(1)
