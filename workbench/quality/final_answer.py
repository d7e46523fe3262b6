"""The exact answer of a maths word problem, as GSM8K's (Cobbe et al. 2021, arXiv 2110.14168).

An LLM's text is searched for its final answer by the first of these that it has:

1. `answer` of a JSON object `{"reasoning": …, "answer": …}`; of one that is malformed (cut off,
   with bare quotes or line breaks) what follows the last `"answer":`, to the end of its string,
   or of the line where it is in no quotes;
2. what follows the last `####` that a number follows, alone but for up to three words of unit;
3. the last `\\boxed{…}`;
4. what follows the last "answer:" (or `=`), where that is the last line; else what follows the
   last "answer is", to the end of its line;
5. the whole text, of which the last number counts.

The reference is read in the same way. Where its final answer is a number (with no more around it
than a currency, a percent sign and words of unit), the text's is one too: the first after its last
`=`, or the first where there is none; and the two must be equal as numbers. So `$`, commas, `%`,
trailing zeros and LaTeX make no difference, 1/2 is 0.5, and 50 % is 50. A text without a number is
wrong then. Any other reference must be the same text, but for case, white space and marks at its
ends. Numbers that are spelt out (eighteen) are texts.

ZeroEval marks in nearly this way (`gsm_eval.py`), but takes the first number of an `answer` that is
an equation, `"9 * 2 = 18"`.
"""

import json
import re

import numpy as np

from workbench.quality.measure import MEASURES, check_pairs
from workbench.quality.written_number import first_number, last_number, plain, whole_number

NAME = "final_answer@1"
_KEYS = ("answer", "final_answer", "final answer")
_KEY = re.compile(r"""["'“”](?:final[_ ])?answer["'“”]\s*:\s*""", re.IGNORECASE)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)', re.DOTALL)
_END_OF_BARE = re.compile(r"""[}\n]|,\s*["']""")
_AFTER_HASHES = re.compile(r"####([^\n]*)")
_COLON = re.compile(r"\banswer[*_\s]{0,4}[:=]", re.IGNORECASE)
_IS = re.compile(r"\banswer\s+is\b[\s:*]*([^\n]+)", re.IGNORECASE)
_AROUND = " \t\r\n.,;:!?\"'*`$()[]{}"


@MEASURES.add(NAME)
def final_answer(hypotheses: list[str], references: list[str]) -> np.ndarray:
    """1 where the final answer is the reference's, else 0."""
    check_pairs(hypotheses, references)
    both = zip(hypotheses, references, strict=True)
    return np.array([float(_same(text, reference)) for text, reference in both], np.float64)


def marked_answer(text: str) -> str | None:
    """The final answer that a text marks as such (rules 1 to 4); None where it marks none."""
    for rule in (_in_json, _after_hashes, _boxed, _said):
        if (answer := rule(text)) is not None:
            return answer
    return None


def _same(text: str, reference: str) -> bool:
    answer, wanted = marked_answer(text), marked_answer(reference)
    wanted = reference if wanted is None else wanted
    number = whole_number(plain(wanted))
    if number is None:
        return _bare(text if answer is None else answer) == _bare(wanted)
    if answer is None:
        return last_number(plain(text)) == number
    answer = plain(answer)
    result = first_number(answer.rpartition("=")[2])
    return (first_number(answer) if result is None else result) == number


def _bare(text: str) -> str:
    return " ".join(plain(text).casefold().split()).strip(_AROUND)


def _in_json(text: str) -> str | None:
    place = text.find("{")
    if place >= 0:
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(text, place)
        except (ValueError, RecursionError):
            value = None  # malformed, or no JSON at all
        if isinstance(value, dict):
            given = {key.casefold(): answer for key, answer in value.items()}
            for key in _KEYS:
                if key in given:
                    answer = given[key]
                    return answer if isinstance(answer, str) else json.dumps(answer)
    return _in_broken_json(text)


def _in_broken_json(text: str) -> str | None:
    places = [found.end() for found in _KEY.finditer(text)]
    if not places:
        return None
    if string := _STRING.match(text, places[-1]):
        return re.sub(r'\\(["\\])', r"\1", string[1])
    return _END_OF_BARE.split(text[places[-1] :], maxsplit=1)[0].strip(_AROUND)


def _after_hashes(text: str) -> str | None:
    lines = [line for line in _AFTER_HASHES.findall(text) if whole_number(plain(line)) is not None]
    return lines[-1] if lines else None


def _boxed(text: str) -> str | None:
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    start += len("\\boxed{")
    depth = 1
    for end in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return text[start:end]
    return text[start:]


def _said(text: str) -> str | None:
    places = [found.end() for found in _COLON.finditer(text)]
    line = text[places[-1] :].strip(_AROUND) if places else ""
    if line and "\n" not in line:
        return line
    said = _IS.findall(text)
    return said[-1] if said else None
