import pytest

from workbench.errors import BadValue, EndpointError
from workbench.models.endpoint import Endpoint

KEY = "sk-very-secret-0123456789"
LOCAL = "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"model": " "}, "model"),
        ({"base_url": "localhost:8000"}, "http://localhost:8000/v1"),
        ({"base_url": "ftp://host/v1"}, "base_url"),
        ({"base_url": "http://[::1/v1"}, "base_url"),
        ({"concurrency": 0}, "concurrency"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": float("nan")}, "timeout_s"),
        ({"retries": -1}, "retries"),
        ({"usd_per_mtok_in": 1.0}, "usd_per_mtok_out"),
        ({"usd_per_mtok_in": 1.0, "usd_per_mtok_out": -1.0}, "usd_per_mtok_out"),
    ],
)
def test_what_cannot_be_used_is_told(given, told):
    with pytest.raises(BadValue, match=told):
        Endpoint(**{"model": "m", **given})


def test_a_key_in_the_wrong_place_is_refused_and_not_shown():
    for given in ({"api_key_env": KEY}, {"base_url": f"https://user:{KEY}@host/v1"}):
        with pytest.raises(BadValue) as caught:
            Endpoint("m", **given)
        assert KEY not in str(caught.value)


def test_openai_wants_its_key_and_other_servers_do_not_get_it(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(EndpointError, match="OPENAI_API_KEY is not set"):
        Endpoint("m").client()
    with pytest.raises(EndpointError, match="MY_KEY is not set"):
        Endpoint("m", LOCAL, "MY_KEY").client()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("MY_KEY", f" {KEY}2\n")
    assert Endpoint("m").client().api_key == KEY
    assert Endpoint("m", LOCAL, "MY_KEY").client().api_key == KEY + "2"
    assert KEY not in Endpoint("m", LOCAL).client().api_key
    monkeypatch.setenv("MY_KEY", "two\nlines")
    with pytest.raises(EndpointError, match="odd characters"):
        Endpoint("m", LOCAL, "MY_KEY").client()


def test_the_address(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert Endpoint("m").url == "https://api.openai.com/v1"
    assert Endpoint("m", LOCAL).url == LOCAL
    monkeypatch.setenv("OPENAI_BASE_URL", "http://other:1/v1")
    assert Endpoint("m").url == "http://other:1/v1"
    assert Endpoint("m", LOCAL).url == LOCAL
    monkeypatch.setenv("OPENAI_BASE_URL", "other")
    with pytest.raises(BadValue, match="OPENAI_BASE_URL"):
        _ = Endpoint("m").url


def test_costs():
    assert Endpoint("m").usd(1, 1) is None
    priced = Endpoint("m", usd_per_mtok_in=0.15, usd_per_mtok_out=0.6)
    assert priced.usd(2e6, 1e6) == pytest.approx(0.9)
    assert not Endpoint("m").priced
    assert priced.priced


def test_the_key_is_cleared_from_what_the_endpoint_says(monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    assert Endpoint("m", LOCAL, "MY_KEY").cleared(f"bad key {KEY}!") == "bad key …!"
    assert Endpoint("m", LOCAL).cleared("as it is") == "as it is"
