"""Messages: what went wrong is told whole, in sight, and in nobody's way."""

import re
import threading
from pathlib import Path

import pytest

from i2s_trt.errors import EnvironmentFault
from tests.studio.browser.conftest import until
from tests.studio.browser.page import ON_TOP, Visit, cut, drag, drawn, fail, give
from tests.studio.conftest import Served

_FOCUS = "document.activeElement.id || document.activeElement.tagName"


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


def test_rows_without_a_style_say_what_is_missing(visit: Visit) -> None:
    tab = visit()
    tab.locator("#half").click()
    tab.wait_for_selector("#message:not([hidden])")
    assert "choose whose" in tab.locator("#message p").inner_text()
    assert tab.locator("#rows [aria-pressed=true]").count() == 0


def test_messages_and_work_lie_side_by_side_in_sight(
    visit: Visit, studio: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()
    monkeypatch.setattr(type(studio.studio.model), "picture", lambda *_: done.wait(30))
    tab = visit(390, 844)
    tab.locator("#half").click()
    tab.get_by_text("Export", exact=True).click()
    tab.locator("[data-export=picture]").click()
    tab.wait_for_selector("#work:not([hidden])")
    tab.locator("#psi").scroll_into_view_if_needed()
    message, work = tab.locator("#message").bounding_box(), tab.locator("#work").bounding_box()
    assert 0 <= message["y"] < message["y"] + message["height"] <= work["y"] < 844
    tab.locator("#message button").click()
    tab.locator("#work button").click()
    until(tab, "document.querySelector('#work').hidden")
    done.set()


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_a_message_leaves_the_controls_of_embeddings_in_reach(
    visit: Visit, studio: Served, astronaut: Path, width: int, height: int
) -> None:
    fail(studio, astronaut, "flat")
    tab = visit(width, height)
    tab.wait_for_selector("#embeddings li[data-state=failed]")
    tab.locator("#half").click()
    tab.wait_for_selector("#message:not([hidden])")
    for place in (0, 400, 99_999):
        tab.evaluate(f"scrollTo(0, {place})")
        tab.wait_for_timeout(50)
        for control in ("#embeddings .more", "#embeddings .dismiss", "#message button"):
            assert tab.locator(control).evaluate(ON_TOP), (place, control)


def test_the_stage_stands_still_to_the_end_of_the_page(visit: Visit) -> None:
    tab = visit()
    for summary in tab.locator("summary").all():
        summary.click()
    places = []
    for down in (200, 99_999):
        tab.evaluate(f"scrollTo(0, {down})")
        places.append(tab.locator("#stage").bounding_box()["y"])
    assert places == pytest.approx([8, 8], abs=0.5)


def test_a_message_that_is_closed_in_a_dialog_leaves_the_focus_there(visit: Visit, astronaut: Path) -> None:
    tab = visit()
    give(tab, "drop", {"none.jpg": b"no picture", "face.jpg": astronaut.read_bytes()})
    cut(tab)
    message = tab.locator("#cut #message")
    message.wait_for()
    message.locator("button").press("Enter")
    assert message.is_hidden()
    assert tab.evaluate("document.querySelector('#cut').contains(document.activeElement)")
    tab.locator("#steps").focus()
    give(tab, "drop", {"none.jpg": b"no picture"})
    message.wait_for()
    message.locator("button").click()
    assert tab.evaluate(_FOCUS) == "steps", "where it was"
    tab.locator("#cut button[value=cancel]").click()
    tab.locator("#half").press("Enter")
    tab.locator("#message button").press("Enter")
    assert tab.evaluate(_FOCUS) == "half"


def test_every_bad_file_is_named_with_its_reason_and_the_good_ones_go_on(visit: Visit, astronaut: Path) -> None:
    tab, good = visit(), astronaut.read_bytes()
    files = {"text.jpg": b"no picture", "empty.jpg": b"", "torn.jpg": good[:900], "face.jpg": good}
    give(tab, "drop", files)
    assert cut(tab)[1] == (512, 512)
    assert tab.locator("#name").input_value() == "face"
    until(tab, "document.querySelectorAll('#message p').length === 3")
    told = dict(text.split(": ", 1) for text in tab.locator("#message p").all_inner_texts())
    assert told.keys() == {"text.jpg", "empty.jpg", "torn.jpg"}
    assert told["empty.jpg"].startswith("there is nothing in it")
    assert all(told.values())
    tab.locator("#cut button[value=cancel]").click()
    assert tab.locator("#message p").count() == 3, "they stay until they are closed"
    tab.locator("#message button").click()
    give(tab, "drop", {"text.jpg": b"no picture"})
    tab.wait_for_selector("#message:not([hidden])")
    assert tab.locator("#message p").count() == 1


def test_what_is_left_out_of_many_files_is_named(visit: Visit) -> None:
    tab = visit()
    give(tab, "drop", {"notes.txt": b"a", "more.txt": b"b"} | dict.fromkeys((f"{one}.jpg" for one in range(22)), b""))
    until(tab, "document.querySelectorAll('#message p').length === 22")
    told = tab.locator("#message p").all_inner_texts()
    assert told[0].startswith("notes.txt, more.txt: left out: no picture")
    assert told[1].startswith("20.jpg, 21.jpg: left out: more than 20 at once")
    assert sum("there is nothing in it" in text for text in told) == 20
    tab.locator("#message button").click()
    give(tab, "paste", {"notes.txt": b"a"})
    tab.wait_for_selector("#message:not([hidden])")
    assert tab.locator("#message p").inner_text().startswith("notes.txt: left out")


def test_a_file_that_has_gone_is_told_from_a_server_that_has(visit: Visit, astronaut: Path, tmp_path: Path) -> None:
    tab, file = visit(), tmp_path / "going.jpg"
    file.write_bytes(astronaut.read_bytes())
    tab.evaluate("() => document.addEventListener('change', ({ target }) => { [window.held] = target.files; }, true)")
    tab.set_input_files("#file", file)
    cut(tab)
    tab.locator("#cut button[value=cancel]").click()
    file.unlink()
    tab.evaluate("""() => { const data = new DataTransfer(); data.items.add(window.held);
      document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true })); }""")
    tab.wait_for_selector("#message:not([hidden])")
    assert tab.locator("#message p").inner_text().startswith("going.jpg: it cannot be read")


def test_what_is_dropped_and_is_no_file_is_said(visit: Visit) -> None:
    tab = visit()
    give(tab, "drop", {})
    tab.wait_for_selector("#message:not([hidden])")
    assert "no file" in tab.locator("#message p").inner_text()
