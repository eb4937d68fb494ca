"""The square on which several faces are mixed."""

import pytest

from tests.studio.browser.conftest import until
from tests.studio.browser.page import Visit, drag, drawn, shelf
from tests.studio.conftest import Served


def shares(studio: Served) -> str:
    """Who is in the latest edit's mix, in the page's words."""
    parts = studio.json("GET", "/api/history")["nodes"][-1]["edit"]["base"]["parts"]
    whole = sum(part["weight"] for part in parts)
    return ", ".join(f"{part['name']} {100 * part['weight'] / whole:.0f} %" for part in parts)


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


def test_the_label_of_a_mix_is_its_own_when_a_face_goes_and_after_a_reload(visit: Visit, studio: Served) -> None:
    for seed, name in ((5, "cleo"), (6, "dan")):
        studio.json("POST", "/api/save", json={"edit": {"base": {"kind": "random", "seed": seed}}, "name": name})
    tab = visit()
    cursor = tab.locator("#map g").last
    cursor.press("Shift+ArrowUp")
    cursor.press("Shift+ArrowRight")
    drawn(tab)
    place, whole = cursor.get_attribute("transform"), shares(studio)
    assert cursor.get_attribute("aria-label").startswith(f"Mixture of {whole};")
    assert tab.locator("#caption").inner_text() == whole
    tab.reload()
    until(tab, "document.querySelector('#after').naturalWidth > 0")
    drawn(tab)
    assert cursor.get_attribute("aria-label").startswith(f"Mixture of {whole};")
    found, before = (
        float(one.removeprefix("translate(").split()[0]) for one in (cursor.get_attribute("transform"), place)
    )
    assert found == pytest.approx(before, abs=0.5), "the cursor is where it was"
    studio.json("DELETE", "/api/shelf/bob")
    until(tab, "!document.querySelector('#shelf .face[data-name=bob]')")
    drawn(tab)
    assert shares(studio).count(",") == 2
    assert cursor.get_attribute("aria-label").startswith(f"Mixture of {shares(studio)};")
    assert tab.locator("#caption").inner_text() == shares(studio)


def test_the_slider_and_the_first_face_agree_with_a_mix_on_the_map(visit: Visit, studio: Served) -> None:
    tab = visit()
    tab.locator("#shelf .face[data-name=bob]").click()
    drag(tab, "#far", 30)
    assert tab.locator("#towards option[value=bob]").is_disabled(), "nobody is morphed into himself"
    cursor = tab.locator("#map g").last
    cursor.press("ArrowUp")
    drawn(tab)
    parts = studio.json("GET", "/api/history")["nodes"][-1]["edit"]["base"]["parts"]
    assert [part["name"] for part in parts] == ["bob", "ann"], "the face that was shown stays the first"
    assert tab.locator("#shelf [aria-pressed=true]").get_attribute("data-name") == "bob"
    assert (tab.locator("#far").input_value(), tab.locator("#far-shown").inner_text()) == ("0", "mixed on the map")
    drag(tab, "#far", 20)
    drawn(tab)
    base = studio.json("GET", "/api/history")["nodes"][-1]["edit"]["base"]
    assert base["parts"] == [{"name": "bob", "weight": 0.8}, {"name": "ann", "weight": 0.2}]
    drag(tab, "#strength", 50)
    for choose, lacking in (("", True), ("ann", True), ("bob", False)):
        tab.locator("#neutral").select_option("ann")
        tab.locator("#smiling").select_option(choose)
        assert tab.locator("#strength").is_disabled() == tab.locator("#unexpressed").is_visible() == lacking, choose
    assert tab.locator("#strength-shown").inner_text() == "0.50"
    studio.json("DELETE", "/api/shelf/ann")
    until(tab, "!document.querySelector('#shelf .face[data-name=ann]')")
    until(tab, "document.querySelector('#unmixed').textContent.startsWith('Nobody else')")
    assert tab.locator("#far").is_disabled()


def test_the_last_face_on_the_map_is_the_picture(visit: Visit, studio: Served) -> None:
    tab = visit()
    tab.locator("#map g").last.press("Shift+ArrowUp")
    drawn(tab)
    tab.locator("#pin").select_option("ann")
    tab.locator("#unpin").click()
    drawn(tab)
    assert shares(studio) == "bob 100 %"
    assert tab.locator("#map g").last.get_attribute("aria-label").startswith("Mixture of bob 100 %;")
    assert tab.locator("#map g").count() == 2
    tab.locator("#unpin").click()
    tab.wait_for_selector("#message:not([hidden])")
    assert "lies on the map" in tab.locator("#message p").inner_text()


def test_a_place_on_the_map_ends_a_walk_and_is_kept(visit: Visit, studio: Served) -> None:
    tab = visit()
    tab.locator("#walk").click()
    tab.wait_for_timeout(300)
    tab.locator("#map").click(position={"x": 40, "y": 40})
    drawn(tab)
    label = tab.locator("#map g").last.get_attribute("aria-label")
    assert tab.locator("#walk").get_attribute("aria-pressed") == "false"
    assert label.startswith(f"Mixture of {shares(studio)};")
