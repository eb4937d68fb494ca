"""What a visitor does on the page: drag, undo, drop a photograph, watch it embed, take it away with them."""

import re
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2s_trt.errors import EnvironmentFault
from i2s_trt.images.decode import decode
from i2s_trt.studio.model import StudioModel
from i2s_trt.video.read import read_info
from tests.studio.browser.conftest import until
from tests.studio.conftest import Served, serving

Visit = Callable[..., Any]
DRAWN = """() => { const image = document.querySelector('#after'), canvas = document.createElement('canvas');
  canvas.width = canvas.height = 16; const pen = canvas.getContext('2d'); pen.drawImage(image, 0, 0, 16, 16);
  return Array.from(pen.getImageData(0, 0, 16, 16).data).join(); }"""


def drawn(tab: Any) -> str:
    """The picture's pixels, once it is that of the latest edit."""
    until(tab, "!document.querySelector('[aria-busy=true]')")
    pixels: str = tab.evaluate(DRAWN)
    return pixels


def drag(tab: Any, slider: str, value: int) -> None:
    """Move a slider and let go."""
    tab.locator(slider).fill(str(value))


GIVEN = """([kind, data]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0)), held = new DataTransfer();
  held.items.add(new File([bytes], "my face.jpg", { type: "image/jpeg" }));
  document.dispatchEvent(kind === "drop" ? new DragEvent("drop", { dataTransfer: held, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: held })); }"""


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


def shelf(tab: Any) -> list[str]:
    return [text.strip() for text in tab.locator("#shelf .face").all_inner_texts()]


def test_the_first_view_has_faces_to_drag(visit: Visit) -> None:
    tab = visit()
    assert len(shelf(tab)) >= 2
    before = drawn(tab)
    drag(tab, "#far", 60)
    assert drawn(tab) != before
    assert tab.locator("#far-shown").inner_text() == "60 %"


def test_every_slider_changes_the_picture_and_undo_brings_it_back(visit: Visit) -> None:
    tab = visit()
    seen = [drawn(tab)]
    for slider, value in (("#far", 50), ("#strength", 120), ("#psi", 20)):
        drag(tab, slider, value)
        seen.append(drawn(tab))
    tab.locator("#style").select_option(index=2)
    tab.locator("#half").click()
    seen.append(drawn(tab))
    assert len(set(seen)) == len(seen)
    for wanted in reversed(seen[1:-1]):
        tab.keyboard.press("Control+z")
        now = drawn(tab)
        if now == seen[-1]:  # choosing whose style it is was a step of its own
            tab.keyboard.press("Control+z")
            now = drawn(tab)
        assert now == wanted
    tab.keyboard.press("Control+Shift+z")
    assert drawn(tab) != seen[1]


def test_faces_on_a_map_are_mixed_the_nearer_the_more(visit: Visit, studio: Served) -> None:
    tab = visit()
    alone, pins = drawn(tab), tab.locator("#map g")
    assert pins.count() - 1 == min(4, len(shelf(tab))), "faces lie on it from the beginning"
    tab.locator("#pin").select_option("bob")
    tab.locator("#pin-it").click()
    count = pins.count() - 1
    assert count >= 2
    cursor, mixed = pins.nth(count), drawn(tab)
    assert mixed != alone
    label = cursor.get_attribute("aria-label")
    cursor.focus()
    for _ in range(4):
        tab.keyboard.press("Shift+ArrowUp")
    assert cursor.get_attribute("aria-label") != label
    assert cursor.get_attribute("aria-label").startswith("Mixture of ann 100 %"), "the first face lies above the middle"
    on_ann = drawn(tab)
    assert on_ann != mixed
    base = studio.json("GET", "/api/history")["nodes"][-1]["edit"]["base"]
    assert base == {"kind": "mix", "parts": [{"name": "ann", "weight": 1.0}]}
    tab.keyboard.press("Control+z")
    assert drawn(tab) != on_ann
    box = cursor.bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 60, box["y"] + 60, steps=4)
    tab.mouse.up()
    drawn(tab)
    dragged = studio.json("GET", "/api/history")["nodes"][-1]["edit"]["base"]["parts"]
    assert sum(part["weight"] for part in dragged) == pytest.approx(1, abs=1e-3)
    assert len(dragged) == count
    pins.nth(0).focus()
    tab.keyboard.press("Delete")
    assert tab.locator("#map g").count() == count


def test_undone_edits_branch_into_a_tree(visit: Visit, studio: Served) -> None:
    tab = visit()
    drag(tab, "#far", 40)
    drawn(tab)
    tab.locator("#undo").click()
    drawn(tab)
    drag(tab, "#psi", 30)
    drawn(tab)
    parents = [node["parent"] for node in studio.json("GET", "/api/history")["nodes"]]
    assert len(parents) - len(set(parents)) == 1, "two edits after one"


def test_a_photograph_is_cut_embedded_and_kept(visit: Visit, astronaut: Path, studio: Served) -> None:
    tab = visit()
    tab.set_input_files("#file", astronaut)
    tab.wait_for_selector("#cut[open]")
    corner = tab.locator("#quad circle").first
    before = corner.get_attribute("cx")
    corner.focus()
    tab.keyboard.press("ArrowRight")
    assert corner.get_attribute("cx") != before
    tab.locator("#name").fill("visitor")
    tab.locator("#steps").fill("3")
    tab.locator("#tune").fill("2")
    tab.locator("#embed").click()
    tab.wait_for_selector("#embeddings li[data-state=finished]", timeout=180_000)
    assert "step 5 of 5" in tab.locator("#embeddings .said").first.inner_text()
    until(tab, "[...document.querySelectorAll('#shelf .face')].some((one) => one.textContent === 'visitor tuned')")
    tab.reload()
    tab.wait_for_selector("#shelf .face")
    assert "visitor tuned" in shelf(tab)
    assert "visitor" in studio.studio.shelf.names()
    tab.locator("#shelf .face[data-name=visitor]").click()
    drawn(tab)
    tab.get_by_text("Export", exact=True).click()
    with tab.expect_download() as told:
        tab.locator("[data-export=pasted]").click()
    pasted, photograph = decode(Path(told.value.path())), decode(astronaut)
    assert pasted.shape == photograph.shape
    assert np.array_equal(pasted[-40:, -40:], photograph[-40:, -40:])
    assert not np.array_equal(pasted, photograph)


@pytest.mark.parametrize(("kind", "name"), [("drop", "my-face"), ("paste", "pasted")])
def test_a_photograph_is_dropped_or_pasted(visit: Visit, astronaut: Path, kind: str, name: str) -> None:
    tab = visit()
    tab.evaluate(GIVEN, [kind, b64encode(astronaut.read_bytes()).decode()])
    assert cut(tab) == ("Is this the face?", (512, 512))
    assert tab.locator("#name").input_value() == name


def test_a_picture_is_taken_with_the_camera(visit: Visit) -> None:
    tab = visit()
    tab.locator("#camera").click()
    tab.wait_for_selector("#shot[open]")
    until(tab, "document.querySelector('#take').disabled === false")
    tab.locator("#take").click()
    said, size = cut(tab)
    assert said == "No face was found: what is to be embedded?"
    assert size == (640, 480)
    assert tab.evaluate("document.querySelector('#video').srcObject") is None, "the camera is off"


def test_a_camera_that_shows_nothing_takes_no_picture(visit: Visit) -> None:
    tab = visit()
    tab.evaluate("() => { navigator.mediaDevices.getUserMedia = async () => new MediaStream(); }")
    tab.locator("#camera").click()
    tab.wait_for_selector("#shot[open]")
    assert tab.locator("#take").is_disabled()
    tab.locator("#shot button[value=cancel]").click()
    tab.evaluate("() => { navigator.mediaDevices.getUserMedia = async () => { throw new Error('denied'); }; }")
    tab.locator("#camera").click()
    tab.wait_for_selector("#message:not([hidden])")
    assert "there is no camera to be had" in tab.locator("#message p").inner_text()


def test_a_server_that_comes_back_finds_the_page_as_it_was(
    visit: Visit, tmp_path: Path, model: StudioModel, browser: Any
) -> None:
    with serving(tmp_path / "own", model) as first:
        tab = browser.new_context().new_page()
        tab.goto(f"http://{first.host}/")
        until(tab, "document.querySelector('#after').naturalWidth > 0")
        drag(tab, "#far", 60)
        before = drawn(tab)
        port = first.door.port
    until(tab, "document.querySelector('#connection').textContent.startsWith('no connection')")
    drag(tab, "#strength", 100)  # unheard
    with serving(tmp_path / "own", model, port=port):
        until(tab, "document.querySelector('#connection').textContent === 'connected'")
        changed = drawn(tab)
        assert changed != before, "what was asked for meanwhile is drawn now"
        drag(tab, "#strength", 0)
        assert drawn(tab) == before
        tab.context.close()


def test_what_is_edited_after_a_reload_is_kept_by_the_next(visit: Visit) -> None:
    tab = visit()
    drag(tab, "#far", 50)
    first = drawn(tab)
    tab.reload()
    until(tab, "document.querySelector('#after').naturalWidth > 0")
    assert drawn(tab) == first
    drag(tab, "#psi", 30)
    second = drawn(tab)
    assert second != first
    tab.reload()
    until(tab, "document.querySelector('#after').naturalWidth > 0")
    assert drawn(tab) == second
    tab.keyboard.press("Control+z")
    assert drawn(tab) == first


def test_an_embedding_is_stopped_and_goes_on(visit: Visit, astronaut: Path) -> None:
    tab = visit()
    embed(tab, astronaut, 5000)
    tab.wait_for_selector("#embeddings li[data-state=running]", timeout=180_000)
    until(tab, "document.querySelector('#embeddings progress').value > 0")
    tab.locator("#embeddings .stop").click()
    tab.wait_for_selector("#embeddings li[data-state=stopped]", timeout=180_000)
    tab.locator("#embeddings .more").click()
    tab.wait_for_selector("#embeddings li[data-state=running]", timeout=180_000)
    tab.locator("#embeddings .cancel").click()
    tab.wait_for_selector("#embeddings li[data-state=cancelled]", timeout=180_000)


def test_a_full_disk_is_told_and_the_page_goes_on(
    visit: Visit, studio: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise EnvironmentFault("the disk is full: half.safetensors was not written", "free some space")

    tab = visit()
    monkeypatch.setattr(studio.studio.exporter, "save_as", full)
    tab.once("dialog", lambda dialog: dialog.accept("half"))
    tab.locator("#save").click()
    message = tab.locator("#message")
    message.wait_for()
    assert message.locator("p").inner_text() == "the disk is full: half.safetensors was not written\nfree some space"
    message.locator("button").click()
    before = drawn(tab)
    drag(tab, "#far", 80)
    assert drawn(tab) != before


def test_two_tabs_stay_in_step(visit: Visit) -> None:
    one, other = visit(), visit()
    one.once("dialog", lambda dialog: dialog.accept("mine"))
    one.locator("#save").click()
    until(other, "[...document.querySelectorAll('#shelf .face')].some((face) => face.textContent === 'mine')")
    assert "mine" in shelf(one)


def test_before_and_after_are_wiped(visit: Visit) -> None:
    tab = visit()
    tab.locator("#wipe").fill("40")
    assert "60%" in tab.evaluate("getComputedStyle(document.querySelector('#before')).clipPath")


def test_what_was_made_is_taken_away(visit: Visit) -> None:
    tab = visit()
    drag(tab, "#far", 50)
    tab.get_by_text("Export", exact=True).click()
    with tab.expect_download() as told:
        tab.locator("[data-export=latent]").click()
    assert told.value.suggested_filename.endswith(".safetensors")
    with tab.expect_download() as told:
        tab.locator("[data-export=picture]").click()
    assert told.value.suggested_filename.endswith(".png")
    with tab.expect_download() as told:
        tab.locator("[data-export=morph]").click()
    assert told.value.suggested_filename.endswith(".mp4")
    assert read_info(Path(told.value.path())).size == (16, 16)
    tab.locator("#repeat").click()
    tab.wait_for_selector("#repeated:not([hidden])")
    assert tab.locator("#command").inner_text().startswith("i2s-trt ")


def test_what_the_server_refuses_is_said_and_the_page_lives_on(visit: Visit, tmp_path: Path) -> None:
    tab = visit()
    (tmp_path / "nothing.png").write_bytes(b"no picture")
    tab.set_input_files("#file", tmp_path / "nothing.png")
    tab.wait_for_selector("#message:not([hidden])")
    assert re.search(r"\w", tab.locator("#message p").inner_text())
    tab.locator("#message button").click()
    before = drawn(tab)
    drag(tab, "#far", 80)
    assert drawn(tab) != before


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_axe_finds_nothing(visit: Visit, axe: Path, astronaut: Path, width: int, scheme: str) -> None:
    tab = visit(width, color_scheme=scheme, bypass_csp=True)
    for summary in tab.locator("summary").all():
        summary.click()
    tab.add_script_tag(path=axe)
    assert tab.evaluate("axe.run().then((found) => found.violations.map((one) => one.id))") == []
    tab.set_input_files("#file", astronaut)
    tab.wait_for_selector("#cut[open]")
    assert tab.evaluate("axe.run().then((found) => found.violations.map((one) => one.id))") == []
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
