"""The list of embeddings on the page: stopped, gone on with, cancelled, dismissed, and in nobody's way."""

import time
from pathlib import Path
from typing import Any

import pytest

from i2s_trt.errors import EnvironmentFault
from tests.studio.browser.conftest import until
from tests.studio.browser.page import ON_TOP, Visit, drag, embed, fail
from tests.studio.conftest import Served


def test_an_embedding_is_stopped_and_goes_on(visit: Visit, astronaut: Path) -> None:
    tab = visit()
    embed(tab, astronaut, 5000)
    tab.wait_for_selector("#embeddings li[data-state=running]", timeout=180_000)
    until(tab, "document.querySelector('#embeddings progress').value > 0")
    tab.wait_for_selector("#live:not([hidden])")
    until(tab, "document.querySelector('#live img').naturalWidth > 0")
    assert tab.locator("#live img").bounding_box()["width"] > 300, "it converges before one's eyes"
    assert "of 5000" in tab.locator("#live p").inner_text()
    drag(tab, "#psi", 40)
    assert tab.locator("#live").is_hidden(), "an edit is wanted now"
    tab.locator("#embeddings .watch").click()
    tab.wait_for_selector("#live:not([hidden])")
    for part in ("progress", "svg", ".stop"):
        box = tab.locator(f"#embeddings {part}").bounding_box()
        assert 0 < box["y"] < box["y"] + box["height"] < 900, "in sight, without scrolling"
    tab.locator("#embeddings .stop").press("Enter")
    tab.wait_for_selector("#embeddings li[data-state=stopped]", timeout=180_000)
    assert tab.evaluate("document.activeElement.className") in ("more", "cancel"), "the focus stays in the row"
    until(tab, "document.querySelector('#caption').textContent.startsWith('visitor')")
    assert tab.locator("#live").is_hidden(), "what has become of it is edited now"
    tab.locator("#embeddings .more").click()
    tab.wait_for_selector("#embeddings li[data-state=running]", timeout=180_000)
    tab.locator("#embeddings .cancel").click()
    tab.wait_for_selector("#embeddings li[data-state=cancelled]", timeout=180_000)


def test_a_queue_leaves_every_control_in_reach(visit: Visit, astronaut: Path, studio: Served) -> None:
    tab = visit(390, 844)
    photograph = studio.json("POST", "/api/photographs", content=astronaut.read_bytes())["id"]
    for number in range(6):
        wanted = {"photograph": photograph, "name": f"p{number}", "steps": 5000, "schedule": "paper"}
        studio.json("POST", "/api/embeddings", json=wanted)
    until(tab, "document.querySelectorAll('#embeddings li').length === 6")
    tab.wait_for_selector("#embeddings li[data-state=running]", timeout=180_000)
    assert tab.locator("#counted").inner_text() == "1 running, 5 waiting"
    said = tab.locator("#embeddings .said").all_text_contents()
    assert [text.split(",")[0] for text in said[:2]] == ["p0: running", "p1: waiting"], "in their order"
    assert [f"waiting, {place} before it" in text for place, text in enumerate(said)] == [False] + [True] * 5
    news = tab.locator("#news p").all_text_contents()
    assert {text.split(":")[0] for text in news} == {f"p{one}" for one in range(6)}, "each has a line of its own"
    assert tab.locator("#picture").bounding_box()["height"] < 560
    for control in ("#far", "#undo", "#psi", "#walk", "#towards"):
        tab.locator(control).scroll_into_view_if_needed()
        assert tab.locator(control).evaluate(ON_TOP), control
    for embedding in studio.json("GET", "/api/embeddings")["embeddings"]:
        studio.json("DELETE", f"/api/embeddings/{embedding['id']}")
    until(tab, "!document.querySelector('#embeddings li[data-state=running]')")


def test_a_failure_in_the_queue_is_told_until_it_is_closed(visit: Visit, studio: Served, astronaut: Path) -> None:
    tab = visit()
    fail(studio, astronaut, "one", "two")
    until(tab, "document.querySelectorAll('#message p').length === 2")
    told = tab.locator("#message p").all_inner_texts()
    assert [text.split(":")[0] for text in told] == ["one", "two"]
    assert tab.locator("#counted").inner_text() == "2 failed"
    tab.reload()
    until(tab, "document.querySelectorAll('#embeddings li').length === 2")
    assert tab.locator("#message").is_hidden(), "it is no news any more"


def test_what_has_ended_is_dismissed_and_stays_away(visit: Visit, studio: Served, astronaut: Path) -> None:
    fail(studio, astronaut, "one", "two", "three")
    tab, other = visit(), visit()
    until(tab, "document.querySelectorAll('#embeddings li[data-state=failed]').length === 3")
    focused = "document.activeElement.getAttribute('aria-label') || document.activeElement.id"
    tab.get_by_label("Dismiss: two").press("Enter")
    for count, next_one in ((2, "Dismiss: one"), (1, "Dismiss: three"), (0, "picture")):
        for page in (tab, other):
            until(page, f"document.querySelectorAll('#embeddings li').length === {count}")
        until(tab, f"({focused}) === '{next_one}'")
        if count:
            tab.keyboard.press("Enter")
    assert tab.locator("#queue").is_hidden()
    tab.reload()
    until(tab, "document.querySelector('#connection').textContent === 'connected'")
    assert studio.json("GET", "/api/embeddings")["embeddings"] == []
    assert tab.locator("#embeddings li").count() == 0


def test_news_that_outrun_the_answer_are_not_undone_by_it(
    visit: Visit, astronaut: Path, studio: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise EnvironmentFault("there is not enough memory", "close other programs")

    tab = visit()
    monkeypatch.setattr(studio.studio.photographs, "prepare", refuse)  # it fails at once

    def late(route: Any) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        answer = route.fetch()
        time.sleep(0.5)
        route.fulfill(response=answer)

    tab.route("**/api/embeddings", late)
    with tab.expect_response("**/api/embeddings"):
        embed(tab, astronaut)
    tab.wait_for_timeout(200)
    assert tab.locator("#embeddings li").get_attribute("data-state") == "failed"
