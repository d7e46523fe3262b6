import pytest

from workbench.stages.rankers import short_scheme


@pytest.mark.parametrize(
    ("scheme", "short"),
    [
        ("max_logits", "max_logits"),
        ("bradley_terry(temperature=2.0)", "bradley_terry(temperature=2)"),
        ("bubble(seed=0)", "bubble"),
        ("knockout(seed=3);order=left", "knockout(seed=3);order=left"),
        ("top_k(k=3)", "top_k(k=3)"),
        ("borda;schedule=all", "borda"),
        ("borda;order=random(seed=2);schedule=swiss(rounds=4)",
         "borda;order=random(seed=2);schedule=swiss"),
        ("of_ones_own(x=1.0);order=both", "of_ones_own(x=1.0);order=both"),
        ("borda;schedule=top_k(k=3, confidence=0.9)", "borda;schedule=top_k(k=3, confidence=0.9)"),
    ],
)  # fmt: skip
def test_what_is_usual_is_left_out_where_the_scheme_is_known(scheme, short):
    assert short_scheme(scheme) == short
