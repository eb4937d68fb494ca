"""Takes the pictures of docs/studio.md: `python docs/make_studio.py`. Needs Chromium and playwright."""

import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from i2s_trt.images.examples import example_path

PICTURES = Path(__file__).parent / "pictures"
PORT = 8399
ADDRESS = f"http://127.0.0.1:{PORT}"


def main() -> None:
    """Start a studio, embed a photograph there, and look at it."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "i2s_trt", "studio", "--no-open", "--port", str(PORT), "--folder", folder]
        server = subprocess.Popen(words)  # noqa: S603
        try:
            wait_for(f"{ADDRESS}/healthz")
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                embed(browser)
                picture(browser, "studio", "light", 1440, 960)
                picture(browser, "studio-dark", "dark", 1440, 960)
                picture(browser, "studio-phone", "light", 390, 844)
                picture(browser, "studio-phone-dark", "dark", 390, 844)
                browser.close()
        finally:
            server.terminate()
            server.wait(30)


def embed(browser: Browser) -> None:
    """Bring the astronaut's photograph into the latent space, and tune to it."""
    tab = browser.new_page()
    tab.goto(ADDRESS)
    tab.set_input_files("#file", example_path("astronaut"))
    tab.wait_for_selector("#cut[open]")
    tab.locator("#name").fill("photograph")
    tab.locator("#steps").fill("160")
    tab.locator("#embed").click()
    tab.wait_for_selector("#embeddings li[data-state=finished]", timeout=600_000)
    tab.close()


def picture(browser: Browser, name: str, scheme: Literal["light", "dark"], width: int, height: int) -> None:
    """The page with the astronaut smiling more."""
    tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    tab.goto(ADDRESS)
    tab.wait_for_timeout(2000)
    tab.locator("#shelf .face", has_text="photograph").click()
    tab.locator("#neutral").select_option("calm")
    tab.locator("#smiling").select_option("glad")
    tab.locator("#strength").fill("45")
    tab.wait_for_timeout(2000)
    tab.evaluate("document.querySelector('#stage').scrollIntoView()" if width < height else "scrollTo(0, 0)")
    shot = BytesIO(tab.screenshot())
    Image.open(shot).convert("RGB").save(PICTURES / f"{name}.jpg", quality=86)
    tab.close()


def wait_for(address: str) -> None:
    """Until the server answers."""
    for _ in range(120):
        try:
            urllib.request.urlopen(address, timeout=1)  # noqa: S310
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit(f"{address} does not answer")


if __name__ == "__main__":
    main()
