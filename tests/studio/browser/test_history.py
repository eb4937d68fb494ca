"""The history of the page: undone and done again, kept by a reload, and what becomes of edits whose faces go."""

from typing import Any

import pytest

from tests.studio.browser.conftest import until
from tests.studio.browser.page import Visit, drag, drawn, shelf
from tests.studio.conftest import Served


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


def test_the_tree_is_drawn_as_it_is_and_where_one_is_stands_in_sight(visit: Visit, studio: Served) -> None:
    edit = {"base": {"kind": "latent", "name": "ann"}}
    made: dict[str, int | None] = {"": None}

    def add(label: str, parent: str) -> None:
        node = {"parent": made[parent], "edit": edit, "label": label}
        made[label] = studio.json("POST", "/api/history", json=node)["id"]

    for label, parent in (("a", ""), ("b", "a"), ("c", "a"), ("d", "b"), ("e", "c"), ("f", "a")):
        add(label, parent)
    for number in range(40):
        add(f"later {number}", f"later {number - 1}" if number else "d")
    tab = visit()
    rows = tab.locator("#history li").evaluate_all("(all) => all.map((one) => [one.ariaLevel, one.textContent])")
    first = [tuple(row) for row in rows if "later" not in row[1]]
    assert first == [("1", "a"), ("2", "└ c"), ("2", "└ e"), ("2", "└ f"), ("1", "b"), ("1", "d")]
    tab.locator("details:has(#history) > summary").click()
    until(tab, "document.querySelector('#history').clientHeight > 0")
    shown = (
        "(one) => { const box = one.getBoundingClientRect(), list = one.closest('#history').getBoundingClientRect(); "
    )
    assert tab.locator("#history [aria-current=true]").evaluate(
        shown + "return box.top >= list.top && box.bottom <= list.bottom; }"
    )


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


def test_undo_steps_over_faces_that_are_gone(visit: Visit, studio: Served) -> None:
    tab = visit()
    first = drawn(tab)
    tab.once("dialog", lambda dialog: dialog.accept("gone soon"))
    tab.locator("#save").click()
    tab.wait_for_selector("#shelf .face[data-name=gone-soon]")
    until(tab, "document.querySelector('#done').textContent.startsWith('On the shelf as gone-soon, as gone soon is')")
    for given, said in (
        ("gone.soon", "gone-soon-2, for gone-soon is taken."),
        ("Göne Soon", "Gone-Soon-3, for Gone-Soon"),
    ):
        tab.once("dialog", lambda dialog, given=given: dialog.accept(given))
        tab.locator("#save").click()
        until(tab, f"document.querySelector('#done').textContent.startsWith('On the shelf as {said}')")
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


def test_a_random_walk_ends_where_something_else_is_done_and_can_be_gone_on_from(visit: Visit, studio: Served) -> None:
    def latest() -> Any:
        return studio.json("GET", "/api/history")["nodes"][-1]["edit"]

    tab = visit()
    begun = drawn(tab)
    tab.locator("#walk").click()
    tab.wait_for_timeout(700)
    tab.locator("#walk").click()
    walked, edit = drawn(tab), latest()
    assert walked != begun
    assert edit["base"] == {"kind": "latent", "name": "ann"}
    assert 0 < edit["walk"]["position"] < 1
    assert f"of a walk to sample {edit['walk']['to']}" in tab.locator("#caption").inner_text()
    drag(tab, "#psi", 40)
    drawn(tab)
    drag(tab, "#psi", 100)
    assert drawn(tab) == walked
    assert latest() == edit
    tab.locator("#walk").click()
    drag(tab, "#psi", 30)
    assert tab.locator("#walk").get_attribute("aria-pressed") == "false"
    drawn(tab)
    assert tab.locator("#psi-shown").inner_text() == "0.30"
    assert latest()["truncation"] == 0.3
    drag(tab, "#psi", 100)
    drag(tab, "#along", 100)
    drawn(tab)
    tab.locator("#walk").click()  # on to the next sample
    tab.wait_for_timeout(300)
    tab.locator("#walk").click()
    drawn(tab)
    assert latest()["base"] == {"kind": "random", "seed": edit["walk"]["to"], "truncation": None}
    tab.locator("#shelf .face[data-name=ann]").click()
    tab.locator("#walk-to").select_option("mean")
    drag(tab, "#along", 100)
    mean = drawn(tab)
    assert latest()["walk"]["to"] is None
    tab.locator("#shelf .face[data-name=bob]").click()
    drag(tab, "#along", 100)
    assert drawn(tab) == mean, "all ways lead there"


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
