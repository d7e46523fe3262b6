"""What calls of an endpoint have cost, and whether a limit leaves room for one more."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from workbench.errors import BadValue
from workbench.models.calls import Message, Reply
from workbench.models.endpoint import Endpoint

_BYTES_PER_TOKEN = 4.0  # of English text; what the endpoint counts takes its place


@dataclass
class Meter:
    """Counts calls and tokens of one start.

    Attributes:
        endpoint: for its prices.
        max_calls, max_usd: limits, None without.
        calls: sent so far.
        tokens_in, tokens_out: of replies so far; estimated where the endpoint does not count.
        uncounted: replies of which the endpoint did not tell the tokens.
        reply_tokens: of a reply, before any has been counted.
    """

    endpoint: Endpoint
    max_calls: int | None = None
    max_usd: float | None = None
    calls: int = 0
    tokens_in: float = 0.0
    tokens_out: float = 0.0
    uncounted: int = 0
    reply_tokens: float = 4.0
    # Of replies whose tokens the endpoint told: how many, bytes sent, tokens in and out.
    _told: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0, 0.0])
    _sizes: dict[Hashable, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.max_calls is not None and self.max_calls < 1:
            raise BadValue("max_calls", self.max_calls, "a number of calls of at least 1")
        if self.max_usd is not None and not self.max_usd > 0:
            raise BadValue("max_usd", self.max_usd, "an amount of USD above 0")
        if self.max_usd is not None and not self.endpoint.priced:
            raise BadValue(
                "max_usd",
                self.max_usd,
                "none, or the endpoint's prices as well (usd_per_mtok_in, usd_per_mtok_out)",
            )

    @property
    def usd(self) -> float | None:
        """Cost so far, None without prices."""
        return self.endpoint.usd(self.tokens_in, self.tokens_out)

    def allows(self, messages: Iterable[Message]) -> bool:
        """Whether one more call stays within the limits, those under way counted as estimated."""
        if self.max_calls is not None and self.calls >= self.max_calls:
            return False
        if self.max_usd is None:
            return True
        waiting = [*self._sizes.values(), size(messages)]
        tokens_in, tokens_out = self.estimated(sum(waiting), len(waiting))
        total = self.endpoint.usd(self.tokens_in + tokens_in, self.tokens_out + tokens_out)
        return total is not None and total <= self.max_usd

    def estimated(self, bytes: float, calls: int) -> tuple[float, float]:
        """Prompt and generated tokens of calls of so many bytes, by what was counted so far."""
        replies, sent, tokens_in, tokens_out = self._told
        if not sent:
            return bytes / _BYTES_PER_TOKEN, calls * self.reply_tokens
        return bytes * tokens_in / sent, calls * tokens_out / replies

    def sent(self, key: Hashable, messages: Iterable[Message]) -> None:
        """Counts a call that goes out."""
        self.calls += 1
        self._sizes[key] = size(messages)

    def received(self, reply: Reply) -> None:
        """Counts a reply; of a call that failed nothing is known to be charged."""
        bytes = self._sizes.pop(reply.key, 0)
        if reply.text is None:
            return
        if reply.tokens_in is None or reply.tokens_out is None:
            self.uncounted += 1
            tokens = self.estimated(bytes, 1)
        else:
            tokens = (reply.tokens_in, reply.tokens_out)
            if bytes:
                self._told = [
                    total + new for total, new in zip(self._told, (1, bytes, *tokens), strict=True)
                ]
        self.tokens_in += tokens[0]
        self.tokens_out += tokens[1]


def size(messages: Iterable[Message]) -> int:
    """Bytes of a conversation, from which its tokens are estimated."""
    return sum(len(message["content"].encode("utf-8", "surrogatepass")) for message in messages)
