"""What visitors do with the page, whatever the test."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.studio import run
from tests.studio.browser.conftest import until
from tests.studio.conftest import Served

Visit = Callable[..., Any]
DRAWN = """() => { const image = document.querySelector('#after'), canvas = document.createElement('canvas');
  canvas.width = canvas.height = 16; const pen = canvas.getContext('2d'); pen.drawImage(image, 0, 0, 16, 16);
  return Array.from(pen.getImageData(0, 0, 16, 16).data).join(); }"""
ON_TOP = """(one) => { const box = one.getBoundingClientRect();
  return one === document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2); }"""
_GIVEN = """([kind, files]) => {
  const held = new DataTransfer();
  for (const [name, data] of files) {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    held.items.add(new File([bytes], name, { type: name.endsWith(".txt") ? "text/plain" : "image/jpeg" }));
  }
  document.dispatchEvent(kind === "drop" ? new DragEvent("drop", { dataTransfer: held, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: held })); }"""


def drawn(tab: Any) -> str:
    """The picture's pixels, once it is that of the latest edit."""
    until(tab, "!document.querySelector('[aria-busy=true]')")
    pixels: str = tab.evaluate(DRAWN)
    return pixels


def drag(tab: Any, slider: str, value: int) -> None:
    """Move a slider and let go."""
    tab.locator(slider).fill(str(value))


def cut(tab: Any) -> tuple[str, tuple[int, int]]:
    """What is asked of a photograph that has come in, and the size at which it is shown."""
    tab.wait_for_selector("#cut[open]")
    until(tab, "document.querySelector('#photo').naturalWidth > 0")
    size = tab.evaluate(
        "[document.querySelector('#photo').naturalWidth, document.querySelector('#photo').naturalHeight]"
    )
    return tab.locator("#cut-title").inner_text(), tuple(size)


def embed(tab: Any, photo: Path, steps: int = 3, name: str = "visitor") -> None:
    tab.set_input_files("#file", photo)
    tab.wait_for_selector("#cut[open]")
    tab.locator("#name").fill(name)
    tab.locator("#steps").fill(str(steps))
    tab.locator("#schedule").select_option("paper")  # which measures nothing first
    tab.locator("#tune").fill("0")
    tab.locator("#embed").click()


def give(tab: Any, kind: str, files: Mapping[str, bytes]) -> None:
    """Drop or paste files."""
    tab.evaluate(_GIVEN, [kind, [[name, b64encode(content).decode()] for name, content in files.items()]])


def fail(studio: Served, photo: Path, *names: str) -> None:
    """Embeddings that end at once."""
    run.fail(studio, run.send(studio, photo)["id"], *names)


def shelf(tab: Any) -> list[str]:
    return [text.strip() for text in tab.locator("#shelf .face").all_inner_texts()]
