import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.quality import MEASURES

final_answer = MEASURES["final_answer@1"]


def right(text, reference="18"):
    return bool(final_answer([text], [reference])[0])


@pytest.mark.parametrize(
    "text",
    [
        '{"reasoning": "16 - 3 - 4 = 9, times 2", "answer": "18"}',
        '{"reasoning": "16 - 3 - 4 = 9, times 2", "answer": 18}',
        '{"answer": "18", "reasoning": "not \\"answer\\": 9"}',
        '{"Reasoning": "x", "Final_Answer": "18"}',
        'Here it is:\n```json\n{\n  "reasoning": "a\nb",\n  "answer": "$18.00"\n}\n```\nIt is 7.',
        '{"reasoning": "she said "hello" 3 times", "answer": "18"}',
        '{"reasoning": "it is cut off", "answer": "18',
        '{"reasoning": "x" "answer": 18, "sure": 7}',
        "{'reasoning': 'x', 'answer': '18', 'sure': '7'}",
        '{"answer": "9"} I was wrong: "reasoning"... {"answer": 18}'[15:],
        '{"reasoning": "x", "answer": "9 * 2 = 18"}',
        '{"reasoning": "x", "answer": "18 dollars for 9 eggs"}',
        "9 * 2 = <<9*2=18>>18 dollars.\n#### 18",
        "#### Step 1: count\nThere are 9.\n\n#### 18 dollars a day\n\nThat is 2 for each egg.",
        "So \\boxed{18} for 9 eggs.",
        "So \\boxed{\\text{18 dollars}} for 9 eggs.",
        "So $\\boxed{\\$18}$",
        "\\boxed{18",
        "The answer is 18. She has 9 eggs.\nEach is 2.",
        "**Final answer is:** **$18**",
        "9 eggs.\nAnswer: 18",
        "9 eggs.\n\n**Answer:**\n\n18 dollars\n",
        "Answer: let me think.\n9 * 2\nis 18",
        "9 times 2, which gives her $18.",
        "She makes 18.0 dollars",
    ],
)
def test_where_the_final_answer_stands(text):
    assert right(text)
    assert not right(text, "19")
    assert not right(text, "eighteen")


@pytest.mark.parametrize(
    "text",
    [
        '{"reasoning": "it is 18", "answer": "9"}',
        '{"reasoning": "it is 18", "answer": null}',
        '{"reasoning": "it is 18", "answer": ""}',
        '{"reasoning": "it is 18", "answer": "eighteen"}',
        '"answer": "cannot be told" though 18',
        "#### 9\n18",
        "\\boxed{9} of 18",
        "The answer is 9, not 18",
        "18 of 9",
        "18 - 180",
        "118",
        "eighteen",
        "",
    ],
)
def test_another_number_does_not_count(text):
    assert not right(text)


@pytest.mark.parametrize(
    ("text", "reference", "same"),
    [
        ("$1,234.50", "1234.5", True),
        ("12,34", "1234", False),
        ("1{,}000", "1000", True),
        ("10\\,000", "10000", True),
        ("50%", "50", True),
        ("50\\%", "50 %", True),
        ("0.5", "50%", False),
        ("1/2", "0.5", True),
        ("1/3", "0.333", False),
        ("1/3", "2/6", True),
        ("1 1/2", "1.5", True),
        ("\\frac{3}{4}", ".75", True),
        ("1/0", "1", False),
        ("-3", "3", False),
        ("-$3", "-3", True),
        ("$-3", "-3", True),
        ("−3", "-3", True),
        ("5-10", "10", True),
        ("- 10", "10", True),
        ("10", "5-10", False),
        ("3e8", "300000000", True),
        ("1e99999999999", "1", False),
        ("9" * 5000, "9", False),
        ("007", "7", True),
        ("18 eggs", "18 dollars", True),
        ("x^2 + 3", "x^2 + 3", True),
        ("2", "x^2 + 3", False),
        ("\\boxed{Tuesday}.", "tuesday", True),
        ("The answer is Tuesday.", "Tuesday", True),
        ("On Tuesday", "Tuesday", False),
        ("Anything.\n#### 5", "He has 2 + 3 = 5 apples.\n#### 5", True),
        ("", "", True),
    ],
)
def test_what_is_the_same(text, reference, same):
    assert right(text, reference) == same


@settings(max_examples=50, deadline=None)
@given(
    number=st.decimals(-(10**9), 10**9, places=2, allow_nan=False),
    other=st.decimals(-(10**9), 10**9, places=2, allow_nan=False),
    way=st.sampled_from(["{}", "{:,}", "${}", "{:,} dollars", "{}0", "\\${:,}", "{}%"]),
    around=st.sampled_from(["{}", "#### {}", "\\boxed{{{}}}", "The answer is {}.", "1 + 1 = {}"]),
)
def test_numbers_are_compared_as_numbers(number, other, way, around):
    for text in (around.format(way.format(number)), json.dumps({"answer": way.format(number)})):
        assert right(text, str(number))
        assert right(text, way.format(number))
        assert right(text, str(other)) == (number == other)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(['{"answer":', '"', "}", "####", "\\boxed{", "answer is", "answer:", "\\",
                         "\\frac{", "1", "/0", ",", ".", "-", "e9", " ", "\n", "x", "½", "٣"]),
        max_size=12,
    ).map("".join)
)  # fmt: skip
def test_any_text_gets_a_mark(text):
    values = final_answer([text, "5", text], ["5", text, text])
    assert values.dtype == np.float64
    assert set(values.tolist()) <= {0.0, 1.0}
