"""A page of a real studio in a real Chromium, without a window."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from i2s_trt.studio.model import StudioModel
from tests.studio.conftest import Served, serving

_CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]  # a test card, and nobody to ask
_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", *_CAMERA]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def until(tab: Any, script: str, seconds: float = 60.0) -> None:
    """Wait until a script says true; the page's policy allows no waiting of the driver's own, which is text as code."""
    end = time.monotonic() + seconds
    while not tab.evaluate(script):
        assert time.monotonic() < end, script
        tab.wait_for_timeout(50)


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Chromium, or a skipped test that says what is missing; its driver's event loop must not outlive these tests."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def studio(tmp_path: Path, model: StudioModel) -> Iterator[Served]:
    """A studio of this test alone."""
    with serving(tmp_path / "shelf", model) as running:
        yield running


@pytest.fixture
def visit(browser: Any, studio: Served) -> Iterator[Callable[..., Any]]:
    """Opens the page in a tab of its own; an error of a script fails the test."""
    errors: list[str] = []
    contexts: list[Any] = []

    def open_tab(width: int = 1280, height: int = 900, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(60_000)
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(f"http://{studio.host}/")
        until(tab, "document.querySelector('#after').naturalWidth > 0")
        return tab

    yield open_tab
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script of axe-core, fetched by npm."""
    folder = tmp_path_factory.mktemp("axe")
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    words = ["npm", "install", "--silent", "--ignore-scripts", "--no-package-lock", "axe-core"]
    if subprocess.run(words, cwd=folder, check=False, capture_output=True, timeout=120).returncode:
        pytest.skip("npm cannot fetch axe-core")
    return folder / "node_modules" / "axe-core" / "axe.min.js"
