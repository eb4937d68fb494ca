"""The page when something happens to it: a server that ends, a second tab, a tunnel; and for everybody."""

import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from i2s_trt.studio.model import StudioModel
from tests.studio.browser.conftest import until
from tests.studio.browser.page import ON_TOP, Visit, cut, drag, drawn, embed, fail, give, shelf
from tests.studio.conftest import Served, serving, small_model


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
    tab.evaluate("scrollTo(0, 400)")
    assert tab.locator("#connection").evaluate(ON_TOP), "in sight, wherever one is on the page"
    drag(tab, "#strength", 100)  # unheard
    with serving(tmp_path / "own", model, port=port):
        until(tab, "document.querySelector('#connection').textContent === 'connected'")
        changed = drawn(tab)
        assert changed != before, "what was asked for meanwhile is drawn now"
        tab.wait_for_selector("#embeddings li[data-state=stopped]")
        assert "the studio ended before it did" in tab.locator("#embeddings .said").inner_text()
        assert tab.locator("#embeddings .more").inner_text() in ("Go on", "Start again")
        drag(tab, "#strength", 0)
        assert drawn(tab) == before
        tab.context.close()


def test_a_page_that_is_locked_out_says_what_to_do_and_comes_back_to_another_model(
    tmp_path: Path, model: StudioModel, browser: Any
) -> None:
    with serving(tmp_path, model, token="first") as first:
        port = first.door.port
        tab = browser.new_context().new_page()
        tab.goto(f"http://{first.host}/?token=first")
        until(tab, "document.querySelector('#connection').textContent === 'connected'")
        assert "token" not in tab.url
    with serving(tmp_path / "other", small_model("random-8"), token="second", port=port) as second:
        until(tab, "document.querySelector('#connection').textContent === 'locked out'")
        assert "open the address that i2s-trt studio printed" in tab.locator("#message p").inner_text()
        with tab.expect_navigation():  # it begins anew by itself
            tab.context.new_page().goto(f"http://{second.host}/?token=second")
        until(tab, "document.querySelector('#model').textContent.startsWith('random-8, 8x8, ')")
        until(tab, "document.querySelector('#connection').textContent === 'connected'")
        assert tab.locator("#message").is_hidden()
        tab.context.close()


@contextmanager
def tunnel(port: int) -> Iterator[int]:
    """Another port of this machine that leads to one, as `ssh -L` makes it."""

    class Carry(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as there:
                ends = {self.request: there, there: self.request}
                while True:
                    for one in select.select(list(ends), [], [])[0]:
                        data = one.recv(65536)
                        if not data:
                            return
                        ends[one].sendall(data)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Carry) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_the_end_of_a_tunnel_is_the_studio(browser: Any, studio: Served, tmp_path: Path) -> None:
    with tunnel(studio.door.port) as port:
        tab = browser.new_context().new_page()
        tab.goto(f"http://localhost:{port}/")
        until(tab, "document.querySelector('#connection').textContent === 'connected'")
        until(tab, "document.querySelector('#after').naturalWidth > 0")
        before = drawn(tab)
        drag(tab, "#far", 60)
        assert drawn(tab) != before
        (tmp_path / "nothing.png").write_bytes(b"no picture")
        tab.set_input_files("#file", tmp_path / "nothing.png")
        tab.wait_for_selector("#message:not([hidden])")
        assert tab.locator("#message p").inner_text().startswith("nothing.png: ")
        tab.context.close()


def test_two_tabs_stay_in_step(visit: Visit) -> None:
    one, other = visit(), visit()
    one.once("dialog", lambda dialog: dialog.accept("mine"))
    one.locator("#save").click()
    until(other, "[...document.querySelectorAll('#shelf .face')].some((face) => face.textContent === 'mine')")
    assert "mine" in shelf(one)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_axe_finds_nothing(visit: Visit, studio: Served, axe: Path, astronaut: Path, width: int, scheme: str) -> None:
    fail(studio, astronaut, "flat")
    tab = visit(width, color_scheme=scheme, bypass_csp=True)
    for summary in tab.locator("summary").all():
        summary.click()
    tab.locator("#repeat").click()
    tab.wait_for_selector("#repeated:not([hidden])")
    tab.wait_for_selector("#embeddings li[data-state=failed]")
    tab.locator("#half").click()
    give(tab, "drop", dict.fromkeys((f"{number}.jpg" for number in range(6)), b""))
    until(tab, "document.querySelectorAll('#message p').length === 7")
    tab.add_script_tag(path=axe)
    assert tab.evaluate("axe.run().then((found) => found.violations.map((one) => one.id))") == []
    tab.set_input_files("#file", astronaut)
    tab.wait_for_selector("#cut #message")
    assert tab.evaluate("axe.run().then((found) => found.violations.map((one) => one.id))") == []
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_fingers_find_what_they_take_hold_of(visit: Visit, astronaut: Path) -> None:
    tab = visit(390, 844, has_touch=True, is_mobile=True)
    for control in ("#map circle", "#shelf .away >> nth=0"):
        box = tab.locator(control).bounding_box()
        assert min(box["width"], box["height"]) >= 24, control
    tab.set_input_files("#file", astronaut)
    cut(tab)
    box = tab.locator("#quad circle").first.bounding_box()
    assert box["width"] >= 24


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
    tab.wait_for_timeout(2500)
    assert 2 <= len(asked) <= 3, "a picture a second"
    transition = "getComputedStyle(document.querySelector('#walk')).transitionDuration"
    assert tab.evaluate(transition) == "0s"
    assert visit().evaluate(transition) != "0s"


@pytest.mark.parametrize("size", [(1400, 900), (390, 844)], ids=["desktop", "phone"])
def test_long_names_stay_within_their_cards(
    visit: Visit, studio: Served, astronaut: Path, size: tuple[int, int]
) -> None:
    latent = studio.studio.shelf.path("ann").read_bytes()
    names = ("IMG_20240512_143022", "n" * 60)
    for name in names:
        studio.studio.shelf.path(name).write_bytes(latent)
    fail(studio, astronaut, *names)
    tab = visit(*size)
    until(tab, "document.querySelectorAll('#embeddings li[data-state=failed]').length === 2")
    tiles = tab.locator("#shelf li").evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().width)")
    assert max(tiles) - min(tiles) < 1
    for part in ("#shelf .face", "#embeddings .said", "#embeddings button"):
        wider = "(all) => all.some((one) => one.scrollWidth > one.clientWidth + 1)"
        assert not tab.locator(part).evaluate_all(wider), part
    inside = """(all) => all.every((one) => { const card = one.closest('li').getBoundingClientRect(),
      box = one.getBoundingClientRect(); return box.left >= card.left && box.right <= card.right; })"""
    assert tab.locator("#embeddings button:visible").evaluate_all(inside)
