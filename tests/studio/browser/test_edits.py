"""Edits on the page: dragged, mixed, undone, kept by a reload, and taken away."""

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


def test_a_face_that_is_deleted_while_it_is_shown_gives_way_to_another(visit: Visit, studio: Served) -> None:
    one, other = visit(), visit()
    one.once("dialog", lambda dialog: dialog.accept("mine"))
    one.locator("#save").click()
    until(one, "document.querySelector('#shelf .face[data-name=mine]')")
    one.locator("#shelf .face[data-name=mine]").click()
    drawn(one)
    one.once("dialog", lambda dialog: dialog.accept())
    one.get_by_label("Take mine off the shelf").click()
    for tab in (one, other, visit()):
        until(tab, "!document.querySelector('#shelf .face[data-name=mine]')")
        until(tab, "document.querySelector('#caption').textContent.startsWith('ann')")
        assert drawn(tab)
        assert tab.locator("#message p").inner_text() == ""
    assert studio.json("GET", "/api/history")["nodes"][-1]["edit"]["base"] == {"kind": "latent", "name": "ann"}


def test_a_shelf_without_any_face_shows_a_sample(visit: Visit, studio: Served) -> None:
    tab = visit()
    for name in shelf(tab):
        assert studio.client.delete(f"/api/shelf/{name}").status_code == 200
    until(tab, "document.querySelector('#caption').textContent === 'sample 0'")
    drawn(tab)
    assert visit().locator("#caption").inner_text() == "sample 0"


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


def test_a_mix_that_the_slider_cannot_make_outlives_a_reload(visit: Visit, studio: Served) -> None:
    tab = visit()
    pins = tab.locator("#map g")
    for name in ("calm", "glad"):  # not on every shelf
        if tab.locator(f"#map [aria-label^='{name};']").count():
            tab.locator(f"#map [aria-label^='{name};']").press("Delete")
    pins.last.press("Shift+ArrowUp")
    mixed = drawn(tab)
    base = studio.json("GET", "/api/history")["nodes"][-1]["edit"]["base"]
    assert 100 * base["parts"][1]["weight"] % 1, "no whole per cent"
    tab.reload()
    until(tab, "document.querySelector('#after').naturalWidth > 0")
    assert drawn(tab) == mixed
    drag(tab, "#psi", 50)
    drawn(tab)
    drag(tab, "#psi", 100)
    assert drawn(tab) == mixed
    assert studio.json("GET", "/api/history")["nodes"][-1]["edit"]["base"] == base


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


def test_undo_steps_over_faces_that_are_gone(visit: Visit, studio: Served) -> None:
    tab = visit()
    first = drawn(tab)
    tab.once("dialog", lambda dialog: dialog.accept("gone soon"))
    tab.locator("#save").click()
    tab.wait_for_selector("#shelf .face[data-name=gone-soon]")
    tab.locator("#shelf .face[data-name=gone-soon]").click()
    drawn(tab)
    tab.locator("#shelf .face[data-name=bob]").click()
    drawn(tab)
    studio.json("DELETE", "/api/shelf/gone-soon")
    until(tab, "!document.querySelector('#shelf .face[data-name=gone-soon]')")
    tab.keyboard.press("Control+z")
    assert drawn(tab) == first
    count = len(studio.json("GET", "/api/history")["nodes"])
    assert tab.locator("#undo").is_disabled()
    tab.get_by_text("History", exact=True).click()
    assert tab.locator("#history button:disabled").count() == 1
    assert len(studio.json("GET", "/api/history")["nodes"]) == count, "undo adds nothing"


def test_a_walk_ends_where_something_else_is_done_and_can_be_gone_on_from(visit: Visit, studio: Served) -> None:
    tab = visit()
    tab.locator("#walk").click()
    tab.wait_for_timeout(700)
    tab.locator("#walk").click()
    walked = drawn(tab)
    base = studio.json("GET", "/api/history")["nodes"][-1]["edit"]["base"]
    assert base["kind"] == "mix"
    drag(tab, "#psi", 40)
    drawn(tab)
    drag(tab, "#psi", 100)
    assert drawn(tab) == walked
    assert studio.json("GET", "/api/history")["nodes"][-1]["edit"]["base"] == base
    tab.locator("#walk").click()
    drag(tab, "#psi", 30)
    assert tab.locator("#walk").get_attribute("aria-pressed") == "false"
    drawn(tab)
    assert tab.locator("#psi-shown").inner_text() == "0.30"
    assert studio.json("GET", "/api/history")["nodes"][-1]["edit"]["truncation"] == 0.3


def test_keys_on_one_control_make_one_node(visit: Visit, studio: Served) -> None:
    tab = visit()
    drawn(tab)
    before = len(studio.json("GET", "/api/history")["nodes"])
    tab.locator("#far").focus()
    for _ in range(12):
        tab.keyboard.press("ArrowRight")
    drawn(tab)
    nodes = studio.json("GET", "/api/history")["nodes"]
    assert len(nodes) - before <= 2, "more where a key waited long for the next"
    assert nodes[-1]["edit"]["base"]["parts"][1]["weight"] == pytest.approx(0.12)


def test_a_face_that_comes_moves_no_focus(visit: Visit, studio: Served) -> None:
    tab = visit()
    tab.get_by_label("Take bob off the shelf").focus()
    studio.json("POST", "/api/save", json={"edit": {"base": {"kind": "latent", "name": "ann"}}, "name": "aaa"})
    tab.wait_for_selector("#shelf .face[data-name=aaa]")
    assert tab.evaluate("document.activeElement.getAttribute('aria-label')") == "Take bob off the shelf"


def test_the_picture_stays_in_sight_of_every_control(visit: Visit) -> None:
    for width, height in ((1280, 800), (390, 844)):
        tab = visit(width, height)
        for control in ("#strength", "#psi", "#shelf .face >> nth=-1"):
            tab.locator(control).scroll_into_view_if_needed()
            box = tab.locator("#after").bounding_box()
            assert box["y"] + box["height"] > 100, (width, control)
            assert box["y"] > -100, (width, control)


def test_rows_without_a_style_say_what_is_missing(visit: Visit) -> None:
    tab = visit()
    tab.locator("#half").click()
    tab.wait_for_selector("#message:not([hidden])")
    assert "choose whose" in tab.locator("#message p").inner_text()
    assert tab.locator("#rows [aria-pressed=true]").count() == 0


def test_shown_recipes_are_those_of_the_picture(visit: Visit) -> None:
    tab = visit()
    tab.get_by_text("Export", exact=True).click()
    tab.locator("#repeat").click()
    tab.wait_for_selector("#repeated:not([hidden])")
    drag(tab, "#psi", 30)
    drawn(tab)
    assert tab.locator("#repeated").is_hidden()


def test_redo_finds_the_way_past_a_deleted_face(visit: Visit, studio: Served) -> None:
    tab = visit()
    studio.json("POST", "/api/save", json={"edit": {"base": {"kind": "random", "seed": 5}}, "name": "gone"})
    tab.locator("#shelf .face[data-name=gone]").click()
    drawn(tab)
    tab.locator("#shelf .face[data-name=bob]").click()
    last = drawn(tab)
    studio.json("DELETE", "/api/shelf/gone")
    until(tab, "!document.querySelector('#shelf .face[data-name=gone]')")
    tab.locator("#undo").click()
    assert drawn(tab) != last
    tab.locator("#redo").click()
    assert drawn(tab) == last


def test_what_is_left_of_a_mix_stays_when_a_face_of_it_goes(visit: Visit, studio: Served) -> None:
    tab = visit()
    studio.json("POST", "/api/save", json={"edit": {"base": {"kind": "random", "seed": 5}}, "name": "gone"})
    tab.locator("#shelf .face[data-name=bob]").click()
    tab.wait_for_selector("#towards option[value=gone]", state="attached")
    tab.locator("#towards").select_option("gone")
    drag(tab, "#far", 40)
    drag(tab, "#psi", 70)
    drawn(tab)
    studio.json("DELETE", "/api/shelf/gone")
    until(tab, "!document.querySelector('#shelf .face[data-name=gone]')")
    drawn(tab)
    edit = studio.json("GET", "/api/history")["nodes"][-1]["edit"]
    assert edit["base"] == {"kind": "latent", "name": "bob"}
    assert edit["truncation"] == 0.7


def test_messages_and_work_lie_side_by_side_in_sight(
    visit: Visit, studio: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(studio.studio.model), "picture", lambda *_: time.sleep(5))
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
