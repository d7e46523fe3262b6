"""A real server on this machine that speaks the chat completions protocol, and answers by rule."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_ANSWER = re.compile(r"\[(\w+) answer ([AB])\]\n(.*?)\n\[\1 end\]", re.DOTALL)
SOON = {"retry-after-ms": "5"}  # or the client would wait half a second and more


@dataclass(frozen=True)
class Told:
    """A reply beside the usual: status, headers, a body other than a completion, no usage."""

    text: str | None = "A"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    usage: bool = True
    wait_s: float = 0.0
    hang_up: bool = False


Rule = Callable[[dict[str, Any]], "str | Told"]


def shown(request: dict[str, Any]) -> tuple[str, str]:
    """Answers A and B of a judge's question."""
    found = {name: text for _, name, text in _ANSWER.findall(request["messages"][1]["content"])}
    return found["A"], found["B"]


def longer(request: dict[str, Any]) -> str:
    """Prefers the longer answer, whatever the order."""
    left, right = map(len, shown(request))
    return "A" if left > right else "B" if right > left else "BOTH GOOD"


class ChatServer:
    """Attributes: url, and what was asked: `asked`, the judge's questions (without checks);
    `headers` of all requests; `most`, the most requests answered at once."""

    def __init__(self, rule: Rule) -> None:
        self.rule, self.asked, self.headers = rule, list[dict[str, Any]](), list[dict[str, str]]()
        self.lock, self.now, self.most = threading.Lock(), 0, 0
        self.errors = list[Exception]()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"

    def pairs(self) -> list[tuple[str, str]]:
        """Answers A and B of each question, in the order asked."""
        return [shown(request) for request in self.asked]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server._answer(self)

            def log_message(self, *words: Any) -> None:
                pass

        return Handler

    def _answer(self, http: BaseHTTPRequestHandler) -> None:
        request = json.loads(http.rfile.read(int(http.headers["Content-Length"])))
        question = len(request["messages"]) > 1
        with self.lock:
            self.headers.append(dict(http.headers))
            self.now += 1
            self.most = max(self.most, self.now)
            if question:
                self.asked.append(request)
        told = self._told(request, question)
        time.sleep(told.wait_s)
        with self.lock:
            self.now -= 1
        if told.hang_up:
            http.close_connection = True
            http.connection.close()
            return
        body = told.body if told.body is not None else json.dumps(_completion(request, told))
        http.send_response(told.status)
        for name, value in {"Content-Type": "application/json", **told.headers}.items():
            http.send_header(name, value)
        http.send_header("Content-Length", str(len(body.encode())))
        with suppress(ConnectionError):  # whoever asked may have gone
            http.end_headers()
            http.wfile.write(body.encode())

    def _told(self, request: dict[str, Any], question: bool) -> Told:
        if not (question or getattr(self.rule, "checks", False)):
            return Told("yes")
        try:
            told = self.rule(request)
        except Exception as error:  # of the test's own: raised where the test would see it
            self.errors.append(error)
            return Told(status=400, body="the rule failed")
        return Told(told) if isinstance(told, str) else told


def _completion(request: dict[str, Any], told: Told) -> dict[str, Any]:
    message = {"role": "assistant", "content": told.text}
    done: dict[str, Any] = {
        "id": "1", "object": "chat.completion", "created": 1, "model": request["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }  # fmt: skip
    if told.usage:
        size = sum(len(m["content"]) for m in request["messages"])
        done["usage"] = {"prompt_tokens": size, "completion_tokens": 2, "total_tokens": size + 2}
    return done


@contextmanager
def serving(rule: Rule = longer) -> Iterator[ChatServer]:
    """A server that answers by `rule` until the context ends.

    A rule with the attribute `checks` is asked for the check at the beginning too.
    """
    server = ChatServer(rule)
    thread = threading.Thread(target=server.http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
        thread.join()
    assert server.errors == []


def error(message: str, code: str | None = None) -> str:
    """The body of a refusal, as OpenAI writes it."""
    return json.dumps({"error": {"message": message, "type": "invalid", "code": code}})
