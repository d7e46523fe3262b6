"""Tags by an LLM behind an endpoint, as InsTag's intention tags."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from workbench.errors import BadValue
from workbench.models.asking import Reading, answers
from workbench.models.calls import Calls
from workbench.models.endpoint import Endpoint
from workbench.models.meter import Meter, size
from workbench.routing.tag_prompt import AGAIN, VERSION, conversation, tags_of
from workbench.routing.tagger import Prompt, Tagger, Tags

_REPLY_TOKENS = 40.0  # of five tags as JSON, before any reply has been counted


class LLMTagger(Tagger):
    """Asks an LLM for the intentions of each prompt; any number of tags, in its own words.

    InsTag (Lu et al., ICLR 2024, arXiv 2308.07074), section 3: open tags, written alike, without
    those that are rare. What costs money is kept under a name of its own: taking out rare tags
    with another `min_prompts` asks nothing.

    Args:
        endpoint: the LLM, and its prices.
        min_prompts: tags of fewer training prompts are taken out at the end (InsTag: 20); 1 keeps
            all. A part of the name.
        max_tags: of a prompt, the first ones.
        prompt_chars: longer prompts are shown cut to so many characters; null shows all.
        temperature: of the reply; null leaves it to the endpoint, as some models demand.
        reply_tokens: limit of a reply, sent as max_tokens; null sends none, as reasoning models
            demand.
        tries: how often is asked where a reply holds no tags, the first included.
        options: further fields of the request, such as {"reasoning_effort": "low"}.
        label: what the name calls the LLM; null takes its own name.

    Raises:
        BadValue: an option that cannot be used.
    """

    kind, version = "llm", VERSION

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        min_prompts: int = 1,
        max_tags: int = 5,
        prompt_chars: int | None = None,
        temperature: float | None = 0.0,
        reply_tokens: int | None = 200,
        tries: int = 3,
        options: dict[str, Any] | None = None,
        label: str | None = None,
    ) -> None:
        super().__init__(endpoint.model if label is None else label)
        given = {
            "min_prompts": min_prompts, "max_tags": max_tags, "prompt_chars": prompt_chars,
            "reply_tokens": reply_tokens, "tries": tries,
        }  # fmt: skip
        for name, value in given.items():
            if value is not None and value < 1:
                raise BadValue(name, value, "a number of at least 1")
        if temperature is not None and not 0 <= temperature <= 2:
            raise BadValue("temperature", temperature, "a number from 0 to 2, or null")
        self.endpoint, self.min_prompts, self.max_tags = endpoint, min_prompts, max_tags
        self.prompt_chars, self.temperature, self.tries = prompt_chars, temperature, tries
        self.reply_tokens, self.options = reply_tokens, options
        self.meter: Meter = Meter(endpoint, reply_tokens=_REPLY_TOKENS)
        self._calls: Calls | None = None

    @property
    def source(self) -> str:
        """The name without `min_prompts`."""
        return f"{self.kind}[{','.join((self.label, *self._asked_so()))}]@{self.version}"

    def settings(self) -> list[str]:
        """Those that are not the default."""
        return [*self._asked_so(), *self.changed("min_prompts")]

    def _asked_so(self) -> list[str]:
        # A limit of the reply makes no other tags, at most none.
        told = self.changed("max_tags", "prompt_chars")
        if self.temperature != 0.0:
            value = "default" if self.temperature is None else f"{self.temperature:g}"
            told.append(f"temperature={value}")
        return [*told, f"options={_hash(self.options)[:6]}"] if self.options else told

    def content(self) -> str:
        """The model that is asked, and how."""
        return _hash([self.endpoint.model, self.version, *self._asked_so()])[:16]

    def told(self) -> dict[str, Any]:
        """Whom it asks, and how."""
        names = ("min_prompts", "max_tags", "prompt_chars", "temperature", "options")
        options = {name: getattr(self, name) for name in names}
        return {"model": self.endpoint.model, "base_url": self.endpoint.url, **options}

    def limit(self, max_calls: int | None, max_usd: float | None) -> None:
        """Limits of this start; raises BadValue for one of cost without prices."""
        self.meter = Meter(self.endpoint, max_calls, max_usd, reply_tokens=_REPLY_TOKENS)

    def estimate(self, prompt: Prompt) -> int:
        """Counts one call, by the bytes of its conversation."""
        tokens_in, tokens_out = self.meter.estimated(size(self._conversation(prompt)), 1)
        self.meter.calls += 1
        self.meter.tokens_in += tokens_in
        self.meter.tokens_out += tokens_out
        return 1

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Opens the endpoint, and asks one tiny question; raises EndpointError."""
        request = {"temperature": self.temperature, "max_tokens": self.reply_tokens}
        fields = {name: value for name, value in request.items() if value is not None}
        with Calls(self.endpoint, fields | (self.options or {})) as calls:
            self.meter.received(calls.check())
            self._calls = calls
            yield

    def tags(self, prompts: Sequence[Prompt]) -> Iterator[tuple[Prompt, Tags] | None]:
        """Tags as replies come; a prompt without a reply that can be read is not given.

        Raises:
            EndpointError: the endpoint is gone.
        """
        assert self._calls is not None, "inside connected()"
        questions = ((prompt, self._conversation(prompt)) for prompt in prompts)
        reading = Reading(lambda reply: tags_of(reply, self.max_tags), AGAIN, self.tries)
        return answers(self._calls, questions, reading, self.meter, self.tally)

    def _conversation(self, prompt: Prompt) -> list[Any]:
        return conversation(prompt.text, self.max_tags, self.prompt_chars)


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
