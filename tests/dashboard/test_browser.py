"""The dashboard as a person sees it: in a real browser, over a server that the verb started."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pytest

from dashboards.app import FIRST, PAGES
from workbench.store.store import Store

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
PATIENCE_MS = 60_000
HOSTILE = [
    "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">",
    "![pixel](http://127.0.0.1:9/pixel.png) [click](javascript:alert(1)) <iframe src='//x'>",
    "$\\\\frac{1}{2}$ :material/delete: :red[text] **bold** `code` \\x1b[31mred\\x1b[0m",
    "\u202eright to left " + "long " * 2000,
    "</code></pre></div><style>body { display: none }</style>",
]


@contextmanager
def served(store):
    """The address of a dashboard over a store."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "workbench.cli", "dashboard", "--store", store, "--port", port]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
    address = f"http://localhost:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None, "the dashboard ended"
            with suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health") as answer:
                if answer.status == 200:
                    break
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=BROWSER, args=list(QUIET))


@pytest.fixture(scope="module")
def address(made_store):
    # `.ci/run` names the store of a whole demo here.
    with served(os.environ.get("WORKBENCH_BROWSER_STORE") or made_store) as found:
        yield found


@pytest.fixture
def tab(browser):
    with browser.new_context(
        accept_downloads=True, viewport={"width": 1400, "height": 1000}
    ) as one:
        one.set_default_timeout(PATIENCE_MS)
        yield one.new_page()


def opened(tab, address, path):
    """The page, once Streamlit has drawn it."""
    tab.goto(f"{address}/{path}".replace(f"/{FIRST}", "/"))  # the first page has no path
    title = PAGES[path.partition("?")[0]][0]
    tab.get_by_role("heading", name=title, exact=True, level=1).wait_for()
    tab.get_by_test_id("stStatusWidget").wait_for(state="detached")
    return tab


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("look", ["light", "dark"])
def test_every_page_draws(browser, address, path, look, tmp_path):
    with browser.new_context(color_scheme=look) as context:
        context.set_default_timeout(PATIENCE_MS)
        failed = []
        tab = context.new_page()
        tab.on("pageerror", lambda error: failed.append(str(error)))
        opened(tab, address, path)
        assert tab.get_by_test_id("stException").count() == 0
        assert failed == []
        picture = tmp_path / f"{path}_{look}.png"
        tab.screenshot(path=picture, full_page=True)
        if folder := os.environ.get("WORKBENCH_SCREENSHOTS"):
            shutil.copy(picture, Path(folder))
        assert picture.stat().st_size > 10_000


def test_a_filter_goes_into_the_url_and_a_shared_url_brings_it_back(tab, browser, address):
    opened(tab, address, "best_llm")
    tab.get_by_role("combobox", name="Split").click()
    tab.get_by_role("option", name="test").click()
    tab.wait_for_url("**split=test**")
    tab.keyboard.press("Escape")
    shared = tab.url
    tab.get_by_test_id("stSidebarNav").get_by_text("Prompts", exact=True).click()
    tab.wait_for_url("**/prompts?**split=test**")  # other pages keep it
    with browser.new_context() as other:
        fresh = other.new_page()
        fresh.goto(shared)
        fresh.get_by_role("heading", name="Best LLM", exact=True).wait_for(timeout=PATIENCE_MS)
        chosen = fresh.get_by_test_id("stSidebar").get_by_text("test", exact=True)
        chosen.wait_for(timeout=PATIENCE_MS)
        assert chosen.count() == 1


def test_a_chart_downloads_as_csv(tab, address, tmp_path):
    opened(tab, address, "best_llm")
    with tab.expect_download() as download:
        tab.locator(".st-key-csv_best_llm_by_share").get_by_role("button").click()
    download.value.save_as(tmp_path / "chart.csv")
    head, *rows = (tmp_path / "chart.csv").read_text("utf-8").splitlines()
    assert head.startswith('"llm","share"')
    assert len(rows) >= 5


def test_nobody_but_this_machine_can_ask(address):
    port = int(address.rpartition(":")[2])
    outside = next(
        (found[4][0] for found in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)
         if not found[4][0].startswith("127.")), None,
    )  # fmt: skip
    if outside is None:
        pytest.skip("this machine has no other address")
    with socket.socket() as one:
        one.settimeout(5)
        assert one.connect_ex((outside, port)) != 0


@pytest.fixture(scope="module")
def hostile_store(made_store, tmp_path_factory):
    """The store with a prompt whose answers would do harm if they were more than text."""
    path = tmp_path_factory.mktemp("hostile") / "store.duckdb"
    shutil.copy(made_store, path)
    prompt = {
        "prompt_id": "evil", "dataset": "<b>evil</b>", "split": "test", "category": HOSTILE[0],
        "instruction": HOSTILE[1], "input": HOSTILE[0], "reference": HOSTILE[2],
    }  # fmt: skip
    texts = [
        {"candidate_id": f"evil-{n}", "prompt_id": "evil", "llm": f"llm-{n:02d}", "decoding": "",
         "text": text} for n, text in enumerate(HOSTILE)
    ]  # fmt: skip
    values = [
        {"candidate_id": f"evil-{n}", "measure": "rougeL@1", "value": float(n)}
        for n in range(len(HOSTILE))
    ]
    store = Store(path)
    store.insert("prompts", pa.Table.from_pylist([prompt]))
    store.insert("candidates", pa.Table.from_pylist(texts))
    store.insert("qualities", pa.Table.from_pylist(values))
    return path


def test_what_llms_have_written_is_text_and_does_nothing(browser, hostile_store):
    asked = []
    with served(hostile_store) as address, browser.new_context() as context:
        context.set_default_timeout(PATIENCE_MS)
        tab = context.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("dialog", lambda dialog: asked.append(f"dialog {dialog.message}"))
        evil = "dataset=%3Cb%3Eevil%3C%2Fb%3E"
        for path in PAGES:
            opened(tab, address, f"{path}?{evil}")
            assert tab.title() != "owned"
        opened(tab, address, f"head_to_head?prompt=evil&{evil}")
        opened(tab, address, f"prompts?prompt=evil&{evil}")
        for text in (HOSTILE[0], HOSTILE[4]):
            tab.get_by_text(text).locator("visible=true").first.wait_for()
        assert tab.locator("iframe, img[src='x'], a[href^='javascript:'], .katex").count() == 0
        assert tab.title() != "owned"
    elsewhere = [url for url in asked if not url.startswith((address, "data:", "blob:", "ws"))]
    assert elsewhere == []
