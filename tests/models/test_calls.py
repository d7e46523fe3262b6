"""Calls against a real server: retries, refusals, limits of concurrency, dropped connections."""

import asyncio
import itertools
import queue
import socket
import threading

import pytest
from chat_server import SOON, Told, error, serving

from workbench.errors import EndpointError
from workbench.models.calls import Calls
from workbench.models.endpoint import Endpoint

KEY = "sk-very-secret-0123456789"
ASK = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]


def every_call(rule):
    """The rule answers the check at the beginning too."""
    rule.checks = True
    return rule


def collected(calls, n):
    found = []
    while len(found) < n:
        found += calls.replies(10)
    return found


def asked_once(endpoint, settings=None):
    with Calls(endpoint, settings or {}) as calls:
        calls.send("key", ASK)
        [reply] = collected(calls, 1)
        assert calls.under_way == 0
    return reply


def test_replies_and_what_is_sent():
    with serving(lambda request: "so it is") as server:
        reply = asked_once(Endpoint("llama", server.url), {"temperature": 0.0, "odd": [1]})
    assert (reply.key, reply.text, reply.tokens_in, reply.tokens_out) == ("key", "so it is", 2, 2)
    [request] = server.asked
    assert request == {"model": "llama", "messages": ASK, "temperature": 0.0, "odd": [1]}


def test_many_at_once_and_every_key_once():
    rule = lambda request: Told("x", wait_s=0.01)  # noqa: E731
    with serving(rule) as server, Calls(Endpoint("m", server.url), {}) as calls:
        for key in range(6):
            calls.send(key, ASK)
        assert calls.under_way == 6
        assert sorted(reply.key for reply in collected(calls, 6)) == list(range(6))
        assert calls.replies(0.0) == []
    assert 1 < server.most <= 6


@pytest.mark.parametrize(
    "fault",
    [
        Told(status=429, headers=SOON, body=error("slow down")),
        Told(status=500, headers=SOON, body="oops"),
        Told(status=503, headers=SOON, body=error("loading")),
        Told(hang_up=True),
    ],
    ids=["429", "500", "503", "hang up"],
)
def test_faults_that_pass_are_tried_again(fault):
    turns = itertools.count()
    with serving(lambda request: fault if next(turns) == 0 else "A") as server:
        assert asked_once(Endpoint("m", server.url, retries=1)).text == "A"
    assert len(server.asked) == 2


REFUSALS = [
    (401, "no", "wants a key: put it into an environment variable", False),
    (403, "not yours", "allows no access to the model 'm' .*not yours", False),
    (404, "m is unknown", "has no model 'm'.*m is unknown", False),
    (400, "too long", r"refused the call \(400\): .*too long", True),
    (422, "odd", "refused the call", True),
    (429, "quota", "its quota is used up.*tried again up to 1 times.*quota", False),
    (500, "oops", "failed, tried again", False),
]


@pytest.mark.parametrize(("status", "said", "told", "refused"), REFUSALS)
def test_refusals_say_what_to_do(status, said, told, refused):
    rule = every_call(lambda request: Told(status=status, headers=SOON, body=error(said)))
    with serving(rule) as server:
        endpoint = Endpoint("m", server.url, retries=1)
        reply = asked_once(endpoint)
        with Calls(endpoint, {}) as calls, pytest.raises(EndpointError, match=told):
            calls.check()
    assert (reply.text, reply.refused) == (None, refused)
    assert reply.error.startswith(f"the endpoint {server.url} ")


def test_a_refused_key_is_named_by_its_variable_and_never_shown(monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    rule = every_call(lambda request: Told(status=401, body=error(f"no such key: {KEY}")))
    with serving(rule) as server:
        endpoint = Endpoint("m", server.url, "MY_KEY")
        with Calls(endpoint, {}) as calls, pytest.raises(EndpointError) as caught:
            calls.check()
    assert "set the environment variable MY_KEY" in str(caught.value)
    assert KEY not in str(caught.value)
    [headers] = server.headers
    assert headers["authorization"] == f"Bearer {KEY}"


def test_nobody_there_and_nobody_answering():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        silent = asked_once(Endpoint("m", f"http://127.0.0.1:{port}/v1", retries=0, timeout_s=0.1))
    assert "did not answer within 0.1 s" in silent.error
    endpoint = Endpoint("m", f"http://127.0.0.1:{port}/v1", retries=0)
    with Calls(endpoint, {}) as calls, pytest.raises(EndpointError, match="cannot be reached"):
        calls.check()


NO_COMPLETIONS = [
    "<html>welcome</html>", "{}", '{"choices": []}', '{"choices": null}', "[1]", "null",
    '{"choices": [', '{"choices": {"a": 1}}', '{"choices": [{"message": {"content": [1]}}]}',
]  # fmt: skip


@pytest.mark.parametrize("body", NO_COMPLETIONS)
def test_what_is_no_completion_is_told(body):
    kind = "text/html" if body.startswith("<") else "application/json"
    rule = every_call(lambda request: Told(body=body, headers={"Content-Type": kind}))
    with serving(rule) as server:
        reply = asked_once(Endpoint("m", server.url, retries=0))
    assert reply.text is None
    assert "gave no chat completion" in reply.error


def test_a_reply_without_text_or_usage():
    with serving(lambda request: Told(None, usage=False)) as server:
        reply = asked_once(Endpoint("m", server.url))
    assert (reply.text, reply.tokens_in, reply.tokens_out, reply.error) == ("", None, None, "")
    odd = '{"choices": [{"message": {"content": "\\ud800?"}}], "usage": {"prompt_tokens": "many"}}'
    with serving(lambda request: Told(body=odd)) as server:
        reply = asked_once(Endpoint("m", server.url))
    assert (reply.text, reply.tokens_in, reply.tokens_out) == ("??", None, None)


def test_leaving_drops_calls_under_way():
    go_on, in_time = threading.Event(), queue.SimpleQueue()

    def waits(request):
        in_time.put(go_on.wait(20))
        return "late"

    with serving(waits) as server:
        with Calls(Endpoint("m", server.url), {}) as calls:
            calls.send(1, ASK)
            assert calls.replies(0.1) == []
        go_on.set()
        assert in_time.get(timeout=20)  # else leaving has waited for the reply


def test_it_works_where_a_loop_runs_already_as_in_a_notebook():
    async def cell(endpoint):
        return asked_once(endpoint)

    with serving(lambda request: "A") as server:
        assert asyncio.run(cell(Endpoint("m", server.url))).text == "A"
