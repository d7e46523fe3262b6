"""Calls of an endpoint, many under way at once, for code that is not asynchronous itself.

An event loop in a thread of its own carries the calls, so that this works in a notebook too, where
the main thread has a loop already, and so that Ctrl-C can drop the calls under way.
"""

import asyncio
import queue
import threading
from collections.abc import Coroutine, Hashable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from openai import APIStatusError, AsyncOpenAI, OpenAIError

from workbench.errors import EndpointError
from workbench.models.endpoint import Endpoint

Message = Mapping[str, str]  # {"role": "system" | "user" | "assistant", "content": text}
_CHECK: list[Message] = [{"role": "user", "content": "Reply with the single word yes."}]
_CHECK_RETRIES = 2
# The question's own fault, such as a text longer than the model's context: others may go well.
_OF_THE_QUESTION = (400, 413, 422)


@dataclass(frozen=True)
class Reply:
    """What became of a call.

    Attributes:
        key: as it was sent.
        text: what the model said ('' where it said nothing), or None where the call failed.
        tokens_in, tokens_out: as the endpoint counts them, None where it does not.
        error: why the call failed after all retries, with what to do about it.
        refused: the endpoint works, but will not take this question.
    """

    key: Hashable
    text: str | None
    tokens_in: int | None = None
    tokens_out: int | None = None
    error: str = ""
    refused: bool = False


class Calls:
    """Sends conversations and collects replies; on leaving its context, drops those under way.

    Args:
        endpoint: whom to ask.
        settings: fields of the request beside model and messages, such as temperature.
    """

    def __init__(self, endpoint: Endpoint, settings: Mapping[str, Any]) -> None:
        self._endpoint, self._settings = endpoint, dict(settings)
        self._client = endpoint.client()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._done: queue.SimpleQueue[Future[Reply]] = queue.SimpleQueue()
        self._sent: set[Future[Reply]] = set()

    def __enter__(self) -> "Calls":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._start(self._drop()).exception(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    @property
    def under_way(self) -> int:
        """Calls that were sent and not collected."""
        return len(self._sent)

    def check(self) -> Reply:
        """Asks one tiny question, so that a wrong address, key, model or setting is told at once.

        Raises:
            EndpointError: the endpoint cannot be reached, or refuses.
        """
        retries = min(_CHECK_RETRIES, self._endpoint.retries)
        client = self._client.with_options(max_retries=retries)
        reply = self._start(self._call(client, None, _CHECK)).result()
        if reply.text is None:
            raise EndpointError(reply.error)
        return reply

    def send(self, key: Hashable, messages: Sequence[Message]) -> None:
        """Starts a call; its reply will bear `key`."""
        future = self._start(self._call(self._client, key, messages))
        self._sent.add(future)
        future.add_done_callback(self._done.put)

    def replies(self, wait_s: float) -> list[Reply]:
        """The replies that are there, at least one unless none comes within so many seconds."""
        try:
            done = [self._done.get(timeout=wait_s)]
        except queue.Empty:
            return []
        while not self._done.empty():
            done.append(self._done.get())
        self._sent.difference_update(done)
        return [future.result() for future in done]

    def _start(self, call: Coroutine[Any, Any, Any]) -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(call, self._loop)

    async def _drop(self) -> None:
        """Ends what is under way, and closes the connections."""
        calls = asyncio.all_tasks() - {asyncio.current_task()}
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await self._client.close()

    async def _call(self, client: AsyncOpenAI, key: Hashable, messages: Sequence[Message]) -> Reply:
        try:
            completion: Any = await client.chat.completions.create(
                model=self._endpoint.model,
                messages=list(messages),  # type: ignore[arg-type]
                extra_body=self._settings,
            )
        except (OpenAIError, ValueError) as error:  # ValueError: what came back is no JSON
            status = error.status_code if isinstance(error, APIStatusError) else None
            told = self._endpoint.explained(error)
            return Reply(key, None, error=told, refused=status in _OF_THE_QUESTION)
        text = _said(completion)
        if text is None:
            odd = ValueError(str(completion)[:200])
            return Reply(key, None, error=self._endpoint.explained(odd))
        usage = getattr(completion, "usage", None)
        return Reply(key, text, _count(usage, "prompt_tokens"), _count(usage, "completion_tokens"))


def _said(completion: Any) -> str | None:
    """The text of a completion, None where it is something else altogether, such as a web page."""
    try:
        said = completion.choices[0].message.content
    except (AttributeError, LookupError, TypeError):
        return None
    if said is None:
        return ""
    # Half a surrogate pair could not be sent back to ask again.
    return said.encode("utf-8", "replace").decode() if isinstance(said, str) else None


def _count(usage: Any, name: str) -> int | None:
    count = getattr(usage, name, None)
    return count if isinstance(count, int) else None
