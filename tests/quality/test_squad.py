import numpy as np
import pytest

from workbench.quality import MEASURES


@pytest.mark.parametrize(
    ("text", "reference", "f1", "match"),
    [
        ("The cat, on a mat.", "cat on mat", 1.0, 1),
        ("cat cat dog", "cat bird", 2 * (1 / 3) * (1 / 2) / (5 / 6), 0),
        ("dog cat", "cat dog", 1.0, 0),
        ("Καλημέρα κόσμε", "καλημέρα", 2 / 3, 0),
        ("Καλημέρα\nκόσμε!", "the καλημέρα κόσμε", 1.0, 1),
        ("cat", "dog", 0.0, 0),
        ("3.14", "314", 1.0, 1),
        ("theory", "ory", 0.0, 0),
        ("", "the", 1.0, 1),
        ("", "cat", 0.0, 0),
        ("cat", "", 0.0, 0),
    ],
)
def test_known_pairs(text, reference, f1, match):
    assert MEASURES["token_f1@1"]([text], [reference])[0] == pytest.approx(f1)
    values = MEASURES["exact_match@1"]([text], [reference])
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, [match])
