"""Photographs on the page: given in every way, cut, embedded, and pasted back."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2s_trt.images.decode import decode
from tests.studio.browser.conftest import until
from tests.studio.browser.page import Visit, cut, drawn, give, shelf
from tests.studio.conftest import Served


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
    tab.locator("#schedule").select_option("paper")  # the fast one would measure the model first
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
    give(tab, kind, {"my face.jpg": astronaut.read_bytes()})
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


def test_a_photograph_that_is_sent_slowly_is_cancelled(visit: Visit, astronaut: Path, studio: Served) -> None:
    tab = visit()
    network = tab.context.new_cdp_session(tab)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 50_000}
    network.send("Network.emulateNetworkConditions", slow)
    tab.set_input_files("#file", astronaut)
    until(tab, "document.querySelector('#work progress')?.value > 0")
    assert tab.locator("#work span").inner_text() == f"Sending {astronaut.name}"
    tab.locator("#work button").click()
    until(tab, "document.querySelector('#work').hidden")
    assert tab.locator("#message").is_hidden()
    assert tab.locator("#cut").is_hidden()
    network.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    tab.set_input_files("#file", astronaut)
    assert cut(tab)[1] == (512, 512)
    network.send("Network.emulateNetworkConditions", slow)
    give(tab, "drop", {"late.jpg": astronaut.read_bytes()})
    until(tab, "document.querySelector('#cut #work progress')?.value > 0")
    tab.locator("#cut #work button").click()  # not behind the dialog
    until(tab, "document.querySelector('#work').hidden")


def test_what_is_cut_out_stays_a_square(visit: Visit, astronaut: Path) -> None:
    tab = visit()
    tab.set_input_files("#file", astronaut)
    cut(tab)
    corners = tab.locator("#quad circle")
    for number in range(4):
        for key in ("Shift+ArrowUp", "Shift+ArrowLeft", "ArrowDown"):
            corners.nth(number).press(key)
        quad = np.array([[float(one.get_attribute(axis)) for axis in ("cx", "cy")] for one in corners.all()])
        sides = np.roll(quad, -1, axis=0) - quad
        lengths = np.hypot(*sides.T)
        assert lengths == pytest.approx(np.full(4, lengths[0]), rel=1e-6)
        assert sides[0] @ sides[1] == pytest.approx(0, abs=1e-6)
    assert corners.first.get_attribute("role") == "slider"
    told = corners.first.get_attribute("aria-valuetext")
    assert told == "at {} across and {} down of 512 by 512".format(*np.floor(quad[0] + 0.5).astype(int))
    whole = tab.locator("#quad polygon")
    whole.press("Shift+ArrowLeft")
    moved = np.array([[float(one.get_attribute(axis)) for axis in ("cx", "cy")] for one in corners.all()])
    assert np.ptp(moved - quad, axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert moved[0, 0] < quad[0, 0], "the arrow keys move the whole square"
    assert "pixels a side" in whole.get_attribute("aria-valuetext")
    quad = moved
    box = whole.bounding_box()
    before = quad.mean(axis=0)
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2, steps=3)
    tab.mouse.up()
    after = [[float(one.get_attribute(axis)) for axis in ("cx", "cy")] for one in corners.all()]
    assert np.mean(after, axis=0)[0] > before[0] + 5, "the whole square is dragged"
    assert np.ptp(np.array(after) - quad, axis=0) == pytest.approx([0, 0], abs=1e-6)


def test_a_tiny_photograph_is_shown_large_enough_to_cut(visit: Visit, tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)).save(tmp_path / "tiny.png")
    tab = visit()
    tab.set_input_files("#file", tmp_path / "tiny.png")
    assert cut(tab)[1] == (40, 30)
    box = tab.locator("#photo").bounding_box()
    assert box["height"] > 300
    assert box["width"] == pytest.approx(box["height"] * 4 / 3, abs=2)
    assert tab.locator("#quad").bounding_box() == pytest.approx(box, abs=1)
    corner = tab.locator("#quad circle").first
    assert 24 <= corner.bounding_box()["width"] < 60
    corner.press("Shift+ArrowRight")
    assert float(corner.get_attribute("cx")) > 5


def test_a_second_photograph_waits_until_the_first_is_cut(visit: Visit, astronaut: Path) -> None:
    tab = visit()
    tab.set_input_files("#file", astronaut)
    cut(tab)
    tab.locator("#name").fill("mine")
    give(tab, "drop", {"my face.jpg": astronaut.read_bytes()})
    until(tab, "document.querySelector('#work').hidden")
    tab.wait_for_timeout(300)
    assert tab.locator("#name").input_value() == "mine"
    tab.locator("#cut button[value=cancel]").click()
    until(tab, "document.querySelector('#cut').open && document.querySelector('#name').value === 'my-face'")


def test_a_photograph_that_is_kept_is_taken_once_more_and_deleted(
    visit: Visit, astronaut: Path, studio: Served
) -> None:
    tab = visit()
    tab.set_input_files("#file", astronaut)
    cut(tab)
    tab.locator("#cut button[value=cancel]").click()
    tab.get_by_text("Photographs", exact=True).click()
    tab.locator("#photographs .face").click()
    assert cut(tab) == ("Is this the face?", (512, 512))
    tab.locator("#cut button[value=cancel]").click()
    tab.once("dialog", lambda dialog: dialog.dismiss())
    tab.locator("#photographs .away").click()
    assert len(studio.studio.photographs.identifiers()) == 1, "asked first"
    tab.once("dialog", lambda dialog: dialog.accept())
    tab.locator("#photographs .away").click()
    until(tab, "!document.querySelector('#photographs li')")
    assert studio.studio.photographs.identifiers() == []
