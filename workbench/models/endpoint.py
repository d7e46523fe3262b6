"""An OpenAI-compatible endpoint: where a model answers, with which key, and what it costs.

The key itself is never kept here: the environment variable that holds it is read when a client is
made, and whatever the endpoint says in an error is cleared of it.
"""

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from workbench.errors import BadValue, EndpointError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_OPENAI, _OPENAI_KEY = "https://api.openai.com/v1", "OPENAI_API_KEY"
_NO_KEY = "none"  # the package wants some key, most local servers want none
_MTOK = 1e6


@dataclass(frozen=True)
class Endpoint:
    """Which model to ask, where, and how hard to try."""

    model: str
    """name of the model, as the endpoint calls it."""
    base_url: str | None = None
    """such as http://localhost:8000/v1; by default OPENAI_BASE_URL, else OpenAI's own."""
    api_key_env: str | None = None
    """name of the environment variable that holds the key; by default OPENAI_API_KEY, or none
    where a base_url is given, so that no key goes to a server that it is not for."""
    concurrency: int = 8
    """calls under way at once."""
    timeout_s: float = 60.0
    """seconds for one try of a call."""
    retries: int = 6
    """further tries after a lost connection, a time-out, a rate limit (429) or a server's error
    (5xx), with growing pauses or those that the server asks for."""
    usd_per_mtok_in: float | None = None
    """price in USD of a million prompt tokens, to count the cost."""
    usd_per_mtok_out: float | None = None
    """price in USD of a million generated tokens."""

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise BadValue("model", self.model, "the name of one of the endpoint's models")
        if self.base_url is not None:
            _check_url("base_url", self.base_url)
        if self.api_key_env is not None and not self.api_key_env.isidentifier():
            # Not shown: it may well be the key itself.
            raise BadValue("api_key_env", "…", "the name of an environment variable, not the key")
        if self.concurrency < 1:
            raise BadValue("concurrency", self.concurrency, "a number of calls of at least 1")
        if not (self.timeout_s > 0 and math.isfinite(self.timeout_s)):
            raise BadValue("timeout_s", self.timeout_s, "a number of seconds above 0")
        if self.retries < 0:
            raise BadValue("retries", self.retries, "a number of further tries of at least 0")
        prices = {"in": self.usd_per_mtok_in, "out": self.usd_per_mtok_out}
        for name, price in prices.items():
            if price is None and any(other is not None for other in prices.values()):
                raise BadValue(f"usd_per_mtok_{name}", None, "a price, as the other price is given")
            if price is not None and not (price >= 0 and math.isfinite(price)):
                raise BadValue(f"usd_per_mtok_{name}", price, "USD per million tokens, from 0 up")

    @property
    def url(self) -> str:
        """The address that is asked.

        Raises:
            BadValue: OPENAI_BASE_URL is none.
        """
        if self.base_url is None and (given := os.environ.get("OPENAI_BASE_URL")):
            return _check_url("OPENAI_BASE_URL", given)
        return self.base_url or _OPENAI

    @property
    def priced(self) -> bool:
        """Whether the cost can be told."""
        return self.usd_per_mtok_in is not None

    def usd(self, tokens_in: float, tokens_out: float) -> float | None:
        """Cost of so many prompt and generated tokens, None where no prices are given."""
        if self.usd_per_mtok_in is None or self.usd_per_mtok_out is None:
            return None
        return (tokens_in * self.usd_per_mtok_in + tokens_out * self.usd_per_mtok_out) / _MTOK

    def client(self) -> "AsyncOpenAI":
        """The openai package's client, with its retries.

        Raises:
            EndpointError: the environment variable that should hold the key is not set.
        """
        from openai import AsyncOpenAI

        return AsyncOpenAI(
            api_key=self._key() or _NO_KEY,
            base_url=self.url,
            timeout=self.timeout_s,
            max_retries=self.retries,
        )

    def cleared(self, text: str) -> str:
        """A text of the endpoint's, such as of an error, without the key."""
        name = self._key_variable()
        key = os.environ.get(name, "").strip() if name else ""
        return text.replace(key, "…") if key else text

    def explained(self, error: Exception) -> str:
        """What went wrong and what to do about it, from an error of the openai package."""
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        where = f"the endpoint {self.url}"
        if isinstance(error, APITimeoutError):
            return (
                f"{where} did not answer within {self.timeout_s:g} s, tried again up to "
                f"{self.retries} times: is it overloaded? Fewer calls at once (concurrency) or a "
                f"longer timeout_s may help"
            )
        if isinstance(error, APIConnectionError):
            why = self.cleared(str(error.__cause__ or error))
            return f"{where} cannot be reached ({why}): does it run, and is the base_url right?"
        if not isinstance(error, APIStatusError):
            return f"{where} gave no chat completion: {self._said(str(error))}"
        status = error.status_code
        return f"{where} {self._refused(status)} ({status}): {self._said(error.message)}"

    def _refused(self, status: int) -> str:
        variable = self._key_variable()
        if status == 401 and variable:
            return (
                f"does not accept the key: set the environment variable {variable} to a valid one"
            )
        if status == 401:
            return "wants a key: put it into an environment variable and name that by api_key_env"
        if status == 403:
            return f"allows no access to the model '{self.model}'"
        if status == 404:
            return (
                f"has no model '{self.model}', or no chat completions at this address "
                f"(a base_url often ends in /v1)"
            )
        again = f"tried again up to {self.retries} times"
        if status == 429:
            return f"limits the rate, or its quota is used up, {again}"
        return f"failed, {again}" if status >= 500 else "refused the call"

    def _said(self, text: str) -> str:
        text = " ".join(self.cleared(text).split())
        return text if len(text) <= 300 else f"{text[:300]}…"

    def _key_variable(self) -> str | None:
        return self.api_key_env or (_OPENAI_KEY if self.base_url is None else None)

    def _key(self) -> str | None:
        name = self._key_variable()
        if name is None:
            return None
        key = os.environ.get(name, "").strip()
        if not key:
            raise EndpointError(
                f"the environment variable {name} is not set: it should hold the key of the "
                f"endpoint {self.url}. For a server without keys give its base_url and no "
                f"api_key_env"
            )
        if not (key.isascii() and key.isprintable()):
            raise EndpointError(f"the environment variable {name} holds no key: odd characters")
        return key


def _check_url(name: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        secret = parts.username is not None or parts.password is not None
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        secret, good = False, False
    if secret:
        raise BadValue(name, "…", "an address without user or password: keys go into api_key_env")
    if not good:
        raise BadValue(name, url, "an address such as http://localhost:8000/v1")
    return url
