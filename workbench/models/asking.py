"""Questions to an LLM, many at once: asked again where the reply cannot be read, within a limit."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from workbench.errors import EndpointError
from workbench.models.calls import Calls, Message, Reply
from workbench.models.meter import Meter

_WAIT_S = 0.2  # so soon Ctrl-C is seen
_LOST_IN_A_ROW = 20  # calls: then the endpoint is gone, and asking on helps nobody
_TOLD = 3  # kept reasons of calls that failed

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass
class Tally:
    """What a start of asking came to.

    Attributes:
        unread: items whose replies could not be read, after all tries.
        failed: items whose call failed, after all retries.
        limited: a limit of calls or USD ended it.
        reasons: some replies that could not be read, and some reasons of failed calls.
    """

    unread: int = 0
    failed: int = 0
    limited: bool = False
    reasons: list[str] = field(default_factory=list)

    def told(self, reason: str) -> None:
        """Keeps a reason, unless there are enough or it is known."""
        if len(self.reasons) < _TOLD and reason not in self.reasons:
            self.reasons.append(reason)


@dataclass(frozen=True)
class Reading(Generic[Answer]):
    """How replies are read.

    Attributes:
        read: the answer that a reply gives, None where it gives none.
        again: what is said to an LLM whose reply cannot be read.
        tries: how often an item is asked about, the first included.
    """

    read: Callable[[str], Answer | None]
    again: str
    tries: int


@dataclass
class _Asked(Generic[Item]):
    """An item that is being asked about."""

    item: Item
    messages: list[Message]
    tries: int = 1


def answers(
    calls: Calls,
    questions: Iterable[tuple[Item, list[Message]]],
    reading: Reading[Answer],
    meter: Meter,
    tally: Tally,
) -> Iterator[tuple[Item, Answer] | None]:
    """Asks about each item and gives (item, answer) in the order in which replies come.

    Where no reply comes for a while it gives None, so that the caller can look after other things.
    An item without an answer is counted in `tally`.

    Args:
        calls: open ones; so many at once as `meter`'s endpoint allows.
        questions: items with the conversation that asks about each; taken as they are needed.
        reading: how replies are read.
        meter: counts, and says where the limit is.
        tally: counts what has no answer.

    Raises:
        EndpointError: many calls failed in a row, which is no fault of the questions.
    """
    waiting, asked, lost = iter(questions), dict[Hashable, _Asked[Item]](), 0
    more = True
    while more or asked:
        while more and len(asked) < meter.endpoint.concurrency:
            question = next(waiting, None)
            more = question is not None and _sent(calls, meter, tally, asked, _Asked(*question))
        for reply in calls.replies(_WAIT_S) if asked else []:
            one = asked.pop(reply.key)
            meter.received(reply)
            lost = lost + 1 if reply.text is None and not reply.refused else 0
            if lost == _LOST_IN_A_ROW:
                raise EndpointError(f"{lost} calls in a row failed, the last: {reply.error}")
            answer = _answer(reply, one, reading, tally)
            if answer is not None:
                yield one.item, answer
            elif reply.text is not None and one.tries < reading.tries:
                gone_on = [*one.messages, *_told_again(reply.text, reading.again)]
                again = _Asked(one.item, gone_on, one.tries + 1)
                more = _sent(calls, meter, tally, asked, again) and more
        yield None


def _told_again(reply: str, again: str) -> list[Message]:
    return [{"role": "assistant", "content": reply}, {"role": "user", "content": again}]


def _sent(
    calls: Calls,
    meter: Meter,
    tally: Tally,
    asked: dict[Hashable, _Asked[Item]],
    one: _Asked[Item],
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


def _answer(
    reply: Reply, one: _Asked[Item], reading: Reading[Answer], tally: Tally
) -> Answer | None:
    """The answer of a reply; where it is the last one for an item and none, that is counted."""
    if reply.text is None:
        tally.failed += 1
        tally.told(reply.error)
        return None
    answer = reading.read(reply.text)
    if answer is None and one.tries >= reading.tries:
        tally.unread += 1
        tally.told(f"a reply that cannot be read: {reply.text[:80]!r}")
    return answer
