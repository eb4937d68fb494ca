"""Edits on the page: dragged, mixed, in sight of their controls, and taken away."""

import re
import time
from pathlib import Path

import pytest

from i2s_trt.video.read import read_info
from tests.studio.browser.conftest import until
from tests.studio.browser.page import Visit, drag, drawn, shelf
from tests.studio.conftest import Served


def test_the_first_view_has_faces_to_drag(visit: Visit) -> None:
    tab = visit()
    assert len(shelf(tab)) >= 2
    before = drawn(tab)
    drag(tab, "#far", 60)
    assert drawn(tab) != before
    assert tab.locator("#far-shown").inner_text() == "60 %"


def test_every_slider_changes_the_picture_and_undo_brings_it_back(visit: Visit, studio: Served) -> None:
    tab = visit()
    seen = [drawn(tab)]
    for slider, value in (("#far", 50), ("#strength", 120), ("#psi", 20)):
        drag(tab, slider, value)
        seen.append(drawn(tab))
    tab.locator("#style").select_option(index=2)
    tab.locator("#half").click()
    seen.append(drawn(tab))
    assert len(set(seen)) == len(seen)
    labels = [node["label"] for node in studio.json("GET", "/api/history")["nodes"]]
    assert labels[:4] == ["start", "ann 50 %, bob 50 %", "ann to bob 1.20", "psi 0.20"]
    assert re.fullmatch(r"rows \d–\d of bob", labels[-1])
    for wanted in reversed(seen[1:-1]):
        tab.keyboard.press("Control+z")
        now = drawn(tab)
        if now == seen[-1]:  # choosing whose style it is was a step of its own
            tab.keyboard.press("Control+z")
            now = drawn(tab)
        assert now == wanted
    for redo, done in (("Control+Shift+z", seen[2]), ("Control+y", seen[3])):
        tab.keyboard.press(redo)
        assert drawn(tab) == done


def test_before_and_after_are_wiped(visit: Visit) -> None:
    tab = visit()
    tab.locator("#wipe").fill("40")
    assert "60%" in tab.evaluate("getComputedStyle(document.querySelector('#before')).clipPath")


def test_what_was_made_is_taken_away(visit: Visit, frames: int) -> None:
    tab = visit()
    drag(tab, "#far", 50)
    tab.get_by_text("Export", exact=True).click()
    with tab.expect_download() as told:
        tab.locator("[data-export=latent]").click()
    assert told.value.suggested_filename.endswith(".safetensors")
    with tab.expect_download() as told:
        tab.locator("[data-export=picture]").click()
    assert told.value.suggested_filename.endswith(".png")
    with tab.expect_download() as told, tab.expect_request("**/api/export") as asked:
        tab.locator("[data-export=morph]").click()
    assert asked.value.post_data_json["edit"]["base"] == {"kind": "latent", "name": "ann"}, "from the beginning"
    assert told.value.suggested_filename.endswith(".mp4")
    assert read_info(Path(told.value.path())).size == (16, 16)
    tab.locator("#repeat").click()
    tab.wait_for_selector("#repeated:not([hidden])")
    assert tab.locator("#command").inner_text().startswith("i2s-trt ")
    with tab.expect_download() as told:
        tab.locator("#keep").click()
    assert told.value.suggested_filename == "edit.toml"
    assert Path(told.value.path()).read_text() == tab.locator("#recipe").text_content()
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.locator("#copy").click()
    until(tab, "document.querySelector('#copy').textContent === 'Copied'")
    assert tab.evaluate("navigator.clipboard.readText()") == tab.locator("#command").text_content()


def test_a_sample_says_why_it_is_not_morphed(visit: Visit) -> None:
    tab = visit()
    assert tab.locator("#unmixed").is_hidden()
    tab.locator("#random").click()
    drawn(tab)
    assert tab.locator("#unmixed").is_visible()
    assert tab.locator("#far").is_disabled()
    tab.locator("#shelf .face[data-name=ann]").click()
    drawn(tab)
    assert tab.locator("#far").is_enabled()


def test_no_face_is_morphed_into_itself(visit: Visit) -> None:
    tab = visit()
    for name, other in (("bob", "ann"), ("ann", "bob")):
        tab.locator(f"#shelf .face[data-name={name}]").click()
        before = drawn(tab)
        assert tab.locator("#towards").input_value() == other
        drag(tab, "#far", 70)
        assert drawn(tab) != before


def test_the_focus_stays_where_something_was_chosen_or_deleted(visit: Visit) -> None:
    tab = visit()
    drag(tab, "#far", 50)
    drawn(tab)
    tab.get_by_text("History", exact=True).click()
    tab.locator("#history button").first.press("Enter")
    drawn(tab)
    assert tab.evaluate("document.activeElement === document.querySelector('#history button')")
    count = tab.locator("#map g").count()
    tab.locator("#map g").first.press("Delete")
    drawn(tab)
    assert tab.locator("#map g").count() == count - 1
    assert tab.evaluate("document.activeElement === document.querySelector('#map g')")


def test_a_film_shows_its_progress_and_is_cancelled(
    visit: Visit, studio: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab, whole = visit(), type(studio.studio.model).picture
    made: list[int] = []

    def picture(self: object, latent: object) -> object:
        made.append(0)
        time.sleep(0.1)
        return whole(self, latent)  # type: ignore[arg-type]

    monkeypatch.setattr(type(studio.studio.model), "picture", picture)
    tab.get_by_text("Export", exact=True).click()
    tab.locator("[data-export=morph]").click()
    until(tab, "document.querySelector('#work progress')?.value > 0")
    tab.get_by_label("Cancel: Morph film").click()
    until(tab, "document.querySelector('#work').hidden")
    assert tab.locator("#message").is_hidden(), "who cancels is not told of an error"
    assert tab.evaluate("document.activeElement.id") == "picture"
    count = len(made)
    tab.wait_for_timeout(1500)
    assert len(made) < 60
    assert len(made) - count < 10, "the server makes no more frames"


def test_a_face_that_comes_moves_no_focus(visit: Visit, studio: Served) -> None:
    tab = visit()
    tab.get_by_label("Take bob off the shelf").focus()
    studio.json("POST", "/api/save", json={"edit": {"base": {"kind": "latent", "name": "ann"}}, "name": "aaa"})
    tab.wait_for_selector("#shelf .face[data-name=aaa]")
    assert tab.evaluate("document.activeElement.getAttribute('aria-label')") == "Take bob off the shelf"


def test_shown_recipes_are_those_of_the_picture(visit: Visit) -> None:
    tab = visit()
    tab.get_by_text("Export", exact=True).click()
    tab.locator("#repeat").click()
    tab.wait_for_selector("#repeated:not([hidden])")
    drag(tab, "#psi", 30)
    drawn(tab)
    assert tab.locator("#repeated").is_hidden()


def test_the_picture_stays_in_sight_of_every_control(visit: Visit) -> None:
    for width, height in ((1280, 800), (390, 844)):
        tab = visit(width, height)
        for control in ("#strength", "#psi", "#shelf .face >> nth=-1"):
            tab.locator(control).scroll_into_view_if_needed()
            box = tab.locator("#after").bounding_box()
            assert box["y"] + box["height"] > 100, (width, control)
            assert box["y"] > -100, (width, control)
            if width > height:  # beside the picture, the way to add another stays, too
                assert 0 <= tab.locator(".drop").bounding_box()["y"] < height, control


@pytest.mark.parametrize("size", [(1280, 480), (844, 390)], ids=["desktop", "phone on its side"])
def test_in_a_low_window_picture_and_controls_are_seen_together(visit: Visit, size: tuple[int, int]) -> None:
    tab = visit(*size)
    drawn(tab)
    for control in ("#undo", "#wipe", "#psi", "#far"):
        tab.locator(control).scroll_into_view_if_needed()
        box, picture = (tab.locator(one).bounding_box() for one in (control, "#after"))
        assert picture["height"] > 150, control
        for one in (box, picture):
            assert 0 <= one["y"] < one["y"] + one["height"] <= size[1], control
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
