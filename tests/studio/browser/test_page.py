"""The page when something happens to it: a server that ends, a full disk, a second tab; and for everybody."""

import re
from pathlib import Path
from typing import Any

import pytest

from i2s_trt.errors import EnvironmentFault
from i2s_trt.studio.model import StudioModel
from tests.studio.browser.conftest import until
from tests.studio.browser.page import Visit, drag, drawn, embed, shelf
from tests.studio.conftest import Served, serving


def test_a_server_that_comes_back_finds_the_page_as_it_was(
    tmp_path: Path, model: StudioModel, browser: Any, astronaut: Path
) -> None:
    with serving(tmp_path / "own", model) as first:
        tab = browser.new_context().new_page()
        tab.goto(f"http://{first.host}/")
        until(tab, "document.querySelector('#after').naturalWidth > 0")
        drag(tab, "#far", 60)
        before = drawn(tab)
        embed(tab, astronaut, 5000)
        tab.wait_for_selector("#embeddings li[data-state=running]", timeout=180_000)
        port = first.door.port
    until(tab, "document.querySelector('#connection').textContent.startsWith('no connection')")
    drag(tab, "#strength", 100)  # unheard
    with serving(tmp_path / "own", model, port=port):
        until(tab, "document.querySelector('#connection').textContent === 'connected'")
        changed = drawn(tab)
        assert changed != before, "what was asked for meanwhile is drawn now"
        until(tab, "!document.querySelector('#embeddings li')")
        drag(tab, "#strength", 0)
        assert drawn(tab) == before
        tab.context.close()


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


def test_who_wants_no_motion_gets_steps(visit: Visit) -> None:
    tab, asked = visit(reduced_motion="reduce"), list[str]()

    def note(frame: str) -> None:
        asked.append(frame)

    tab.on("websocket", lambda socket: socket.on("framesent", note))
    tab.reload()
    until(tab, "document.querySelector('#after').naturalWidth > 0")
    drawn(tab)
    asked.clear()
    tab.locator("#walk").click()
    tab.wait_for_timeout(3500)
    assert 2 <= len(asked) <= 4, "a picture a second"
    transition = "getComputedStyle(document.querySelector('#walk')).transitionDuration"
    assert tab.evaluate(transition) == "0s"
    assert visit().evaluate(transition) != "0s"
