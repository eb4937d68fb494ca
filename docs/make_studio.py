"""Takes the pictures of docs/studio.md: `python docs/make_studio.py`. Needs Chromium and playwright."""

import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

PICTURES = Path(__file__).parent / "pictures"
PORT = 8399


def main() -> None:
    """Start a studio, visit it, and take it down."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "i2s_trt", "studio", "--no-open", "--port", str(PORT), "--folder", folder]
        server = subprocess.Popen(words)  # noqa: S603
        try:
            wait_for(f"http://127.0.0.1:{PORT}/healthz")
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                tab = browser.new_page(viewport={"width": 1440, "height": 960})
                tab.goto(f"http://127.0.0.1:{PORT}/")
                tab.wait_for_timeout(2000)
                tab.locator("#shelf .face").nth(1).click()
                tab.locator("#strength").fill("70")
                tab.wait_for_timeout(2000)
                shot = Path(folder) / "studio.png"
                tab.screenshot(path=shot)
                Image.open(shot).convert("RGB").save(PICTURES / "studio.jpg", quality=88)
                browser.close()
        finally:
            server.terminate()
            server.wait(30)


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
