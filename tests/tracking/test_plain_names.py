from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric, _validate_param

from workbench.tracking.names import plain_name, plain_names

AWKWARD = st.text(st.sampled_from("ab/.@_ é\n\\\ud800"), max_size=12) | st.text(max_size=400)


@settings(max_examples=200, deadline=None)
@given(names=st.lists(AWKWARD | AWKWARD.map(lambda s: s * 40), unique=True))
def test_mlflow_takes_every_plain_name_and_distinct_ones_stay_distinct(names):
    plain = plain_names(names)
    assert list(plain) == names
    assert len(set(plain.values())) == len(names)
    for name in plain.values():
        _validate_metric(name, 1.0, 0, 0)
        _validate_param(name, "x")


def test_names_that_mlflow_takes_stay_as_they_are():
    for name in ("data/test/rougeL: 1.0/llm a-b", "x" * 250, "a/.b"):
        assert plain_name(name) == name
    assert plain_names(["m@1", "m[1"]).keys() == {"m@1", "m[1"}
    assert plain_names(["m@1"]) == {"m@1": "m_1"}
    assert plain_names(["m@1", "m_1"])["m_1"] == "m_1"
