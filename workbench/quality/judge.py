"""An LLM as a judge of pairs of answers: questions out, verdicts back as they come."""

import hashlib
import json
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import BadValue, EndpointError
from workbench.models.calls import Calls, Reply
from workbench.models.meter import Meter
from workbench.quality.judge_prompt import VERSION, asked_again, conversation, verdict_of

_WAIT_S = 0.2  # so soon Ctrl-C is seen
_LOST_IN_A_ROW = 20  # calls: then the endpoint is gone, and asking on helps nobody
_TOLD = 3  # kept reasons of calls that failed


@dataclass(frozen=True)
class Judging:
    """How the judge is asked; what is changed here becomes part of the judge's name."""

    show_reference: bool = False
    """shows the prompt's reference, where it has one, as a good answer to compare with."""
    answer_chars: int | None = None
    """longer answers are shown cut to so many characters; all of them by default."""
    temperature: float | None = 0.0
    """of the judge's reply; null leaves it to the endpoint, as some models demand."""
    reply_tokens: int | None = 16
    """limit of a reply, sent as max_tokens; null sends none, as reasoning models demand."""
    tries: int = 3
    """how often a judge is asked whose reply is none of the four verdicts, the first included."""
    options: dict[str, Any] | None = None
    """further fields of the request, such as {"reasoning_effort": "low"}."""

    def __post_init__(self) -> None:
        for name, value in (("answer_chars", self.answer_chars), ("tries", self.tries)):
            if value is not None and value < 1:
                raise BadValue(name, value, "a number of at least 1")
        if self.reply_tokens is not None and self.reply_tokens < 1:
            raise BadValue("reply_tokens", self.reply_tokens, "a number of at least 1, or null")
        if self.temperature is not None and not 0 <= self.temperature <= 2:
            raise BadValue("temperature", self.temperature, "a number from 0 to 2, or null")

    def name(self, model: str) -> str:
        """The judge's id: model and version of the prompt, and what differs from the defaults."""
        changed = ["reference"] if self.show_reference else []
        if self.answer_chars is not None:
            changed.append(f"answer_chars={self.answer_chars}")
        if self.temperature != 0.0:
            told = "default" if self.temperature is None else f"{self.temperature:g}"
            changed.append(f"temperature={told}")
        if self.options:
            told = json.dumps(self.options, sort_keys=True)
            changed.append(f"options={hashlib.sha256(told.encode()).hexdigest()[:6]}")
        # A limit of the reply makes no other verdict, at most none.
        return "+".join([f"{model}@{VERSION}", *changed])

    def settings(self) -> dict[str, Any]:
        """Fields of the request beside model and messages."""
        given = {"temperature": self.temperature, "max_tokens": self.reply_tokens}
        return {k: v for k, v in given.items() if v is not None} | (self.options or {})


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt, in the order in which they are shown."""

    prompt_id: str
    left_id: str
    right_id: str
    instruction: str
    input: str
    left: str
    right: str
    reference: str | None = None

    def conversation(self, judging: Judging) -> list[Mapping[str, str]]:
        """The messages that ask for the verdict."""
        reference = self.reference if judging.show_reference else None
        return conversation(
            self.instruction, self.input, self.left, self.right, reference, judging.answer_chars
        )

    @property
    def same(self) -> bool:
        """Whether both answers are the same text, about which nobody need be asked."""
        return self.left.strip() == self.right.strip()


@dataclass
class Tally:
    """What a start of judging came to.

    Attributes:
        verdicts: how often each was given.
        unparsed: pairs whose replies were none of the four verdicts.
        failed: pairs whose call failed, after all retries.
        limited: a limit of calls or USD ended it.
        reasons: some replies that were no verdicts, and some reasons of failed calls.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    unparsed: int = 0
    failed: int = 0
    limited: bool = False
    reasons: list[str] = field(default_factory=list)

    def told(self, reason: str) -> None:
        """Keeps a reason, unless there are enough or it is known."""
        if len(self.reasons) < _TOLD and reason not in self.reasons:
            self.reasons.append(reason)


@dataclass
class _Asked:
    """A pair about which the judge is being asked."""

    pair: Pair
    messages: list[Mapping[str, str]]
    tries: int = 1


def verdicts(
    calls: Calls,
    judging: Judging,
    pairs: Iterable[Pair],
    concurrency: int,
    meter: Meter,
    tally: Tally,
) -> Iterator[tuple[Pair, str] | None]:
    """Asks about each pair and gives (pair, verdict) in the order in which replies come.

    Where no reply comes for a while it gives None, so that the caller can look after other things.
    The same text twice is a `tie` without asking. A pair without a verdict is counted in `tally`.

    Raises:
        EndpointError: many calls failed in a row, which is no fault of the questions.
    """
    waiting, asked, lost = iter(pairs), dict[Hashable, _Asked](), 0
    more = True
    while more or asked:
        while more and len(asked) < concurrency:
            pair = next(waiting, None)
            if pair is None:
                more = False
            elif pair.same:
                tally.verdicts["tie"] += 1
                yield pair, "tie"
            else:
                one = _Asked(pair, pair.conversation(judging))
                more = _sent(calls, meter, tally, asked, one)
        for reply in calls.replies(_WAIT_S) if asked else []:
            one = asked.pop(reply.key)
            meter.received(reply)
            lost = lost + 1 if reply.text is None and not reply.refused else 0
            if lost == _LOST_IN_A_ROW:
                raise EndpointError(f"{lost} calls in a row failed, the last: {reply.error}")
            verdict = _verdict(reply, one, judging, tally)
            if verdict is not None:
                tally.verdicts[verdict] += 1
                yield one.pair, verdict
            elif reply.text is not None and one.tries < judging.tries:
                again = _Asked(one.pair, asked_again(one.messages, reply.text), one.tries + 1)
                more = _sent(calls, meter, tally, asked, again) and more
        yield None


def _sent(
    calls: Calls, meter: Meter, tally: Tally, asked: dict[Hashable, _Asked], one: _Asked
) -> bool:
    """Sends a question, unless a limit forbids it."""
    if not meter.allows(one.messages):
        tally.limited = True
        return False
    key = meter.calls
    asked[key] = one
    meter.sent(key, one.messages)
    calls.send(key, one.messages)
    return True


def _verdict(reply: Reply, one: _Asked, judging: Judging, tally: Tally) -> str | None:
    """The verdict of a reply; where it is the last one for a pair and none, that is counted."""
    if reply.text is None:
        tally.failed += 1
        tally.told(reply.error)
        return None
    verdict = verdict_of(reply.text)
    if verdict is None and one.tries >= judging.tries:
        tally.unparsed += 1
        tally.told(f"a reply that is no verdict: {reply.text[:80]!r}")
    return verdict
