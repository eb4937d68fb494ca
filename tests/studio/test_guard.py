"""The guard: other people's pages, addresses and oversized uploads stay outside; a defect is a value as well."""

import asyncio
import json
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest
from websockets import Origin
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from i2s_trt.errors import UsageError
from i2s_trt.studio.door import Door, is_loopback
from i2s_trt.studio.guard import Guard, Receive, Scope, Send
from i2s_trt.studio.model import StudioModel
from i2s_trt.studio.token import FILE, VARIABLE
from tests.studio.conftest import Served, serving

FOREIGN_HOSTS = ("evil.example", "evil.example:{port}", "127.0.0.1.nip.io:{port}", "192.168.0.9:{port}",
                 "localhost.:{port}", "", "localhost:", "localhost:x", "127.0.0.1:{port}@evil.example",
                 "0x7f000001:{port}", "user@127.0.0.1:{port}")  # fmt: skip
FOREIGN_ORIGINS = ("http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1", "http://localhost:{port}",
                   "file://", "http://127.0.0.1:{port}.evil.example")  # fmt: skip


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_other_hosts_are_refused(served: Served, host: str) -> None:
    connection = HTTPConnection(served.host)
    connection.putrequest("GET", "/api/shelf", skip_host=True)
    connection.putheader("Host", host.format(port=served.door.port))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 421
    assert json.loads(answer.read())["error"]


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_other_origins_are_refused(served: Served, origin: str) -> None:
    headers = {"Origin": origin.format(port=served.door.port)}
    assert served.client.delete("/api/shelf/ann", headers=headers).status_code == 403
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://{served.host}/ws", additional_headers=headers, proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 403


def test_a_rebound_name_reaches_nothing(served: Served) -> None:
    headers = {"Host": f"evil.example:{served.door.port}", "Origin": f"http://evil.example:{served.door.port}"}
    assert served.client.get("/api/shelf", headers=headers).status_code == 421
    origin, direct = Origin(headers["Origin"]), socket.create_connection(("127.0.0.1", served.door.port))
    address = f"ws://evil.example:{served.door.port}/ws"
    with pytest.raises(InvalidStatus), connect(address, origin=origin, sock=direct, proxy=None):
        pass


def test_the_page_itself_and_tools_come_in(served: Served) -> None:
    for host in (served.host, f"localhost:{served.door.port}"):
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert served.client.get("/api/shelf", headers=headers).status_code == 200
    assert served.json("GET", "/healthz") == served.json("GET", "/readyz") == {"status": "ok"}


def test_the_end_of_a_tunnel_has_a_port_of_its_own(served: Served) -> None:
    for host in ("localhost:9000", "127.0.0.1:9000", "[::1]:9000", "localhost"):
        headers = {"Host": host, "Origin": f"http://{host}"}
        answer = served.client.get("/api/shelf", headers=headers)
        assert answer.status_code == 200
        assert f" ws://{host} " in answer.headers["content-security-policy"]
        for origin in (f"http://{served.host}", "http://localhost:9001", "http://evil.example:9000"):
            assert served.client.get("/api/shelf", headers=headers | {"Origin": origin}).status_code == 403


def test_who_types_a_wrong_address_reads_a_page(served: Served) -> None:
    browser = {"Host": "evil.example", "Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = served.client.get("/", headers=browser)
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>This address is not the studio&#x27;s.</h1><p>Open the address that i2s-trt" in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert served.client.get("/", headers={"Host": "evil.example"}).json()["hint"].startswith("open the address")


def test_every_answer_forbids_what_the_page_does_not_need(served: Served) -> None:
    for path in ("/", "/api/shelf", "/nowhere"):
        headers = served.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert f"connect-src 'self' ws://{served.host}" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"


def test_elsewhere_a_token_is_asked_for(tmp_path: Path, model: StudioModel) -> None:
    with serving(tmp_path, model, token="secret") as served:
        assert served.client.get("/api/shelf").status_code == 401
        assert served.client.get("/?token=wrong").status_code == 401
        assert served.client.get("/healthz").status_code == 200
        assert served.client.get("/api/shelf", headers={"X-Studio-Token": "secret"}).status_code == 200
        with pytest.raises(InvalidStatus), connect(f"ws://{served.host}/ws", proxy=None):
            pass
        welcome = served.client.get("/?token=secret")
        assert (welcome.status_code, welcome.headers["location"]) == (303, "/")
        assert "HttpOnly; SameSite=Strict" in welcome.headers["set-cookie"]
        assert served.client.get("/api/shelf").status_code == 200  # by the cookie


def test_doors_of_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Door.for_address("127.0.0.1", 1, tmp_path).token == ""
    assert not list(tmp_path.iterdir())
    token = Door.for_address("0.0.0.0", 1, tmp_path).token
    assert len(token) > 20
    (tmp_path / FILE).chmod(0o644)
    assert Door.for_address("0.0.0.0", 2, tmp_path).token == token, "pages that are open stay so after a restart"
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    (tmp_path / FILE).write_text("short")
    assert Door.for_address("0.0.0.0", 1, tmp_path).token not in ("short", token)
    monkeypatch.setenv(VARIABLE, "a" * 20)
    assert [Door.for_address(host, 1, tmp_path).token for host in ("127.0.0.1", "0.0.0.0")] == ["a" * 20] * 2
    monkeypatch.setenv(VARIABLE, "guess me")
    with pytest.raises(UsageError, match="cannot be a token"):
        Door.for_address("127.0.0.1", 1, tmp_path)
    assert [is_loopback(host) for host in ("::1", "localhost", "127.8.9.9", "10.0.0.1", "here")] == [True] * 3 + [
        False
    ] * 2
    lan = Door("0.0.0.0", 80, "secret")
    assert lan.admits_host("192.168.1.7")
    assert lan.admits_host(f"{socket.gethostname()}.example"), "who has made that point here has no token"
    assert not lan.admits_host("evil.example")


@pytest.mark.parametrize(
    ("declared", "count"), [(True, 300), (False, 300), pytest.param(False, 1024, marks=pytest.mark.slow)]
)
def test_too_much_is_refused_while_it_comes(served: Served, declared: bool, count: int) -> None:
    piece = bytes(2**20)

    def pieces() -> Iterator[bytes]:
        yield from (piece for _ in range(count))

    headers = {"Content-Length": str(count * len(piece))} if declared else {}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = served.client.post("/api/photographs", content=pieces(), headers=headers)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # KiB, client and server
    assert answer.status_code == 413
    assert "64 MiB" in answer.json()["error"]
    assert grown < 40 * 1024
    assert not list(served.studio.shelf.folder.glob("photographs/*.part"))
    json_answer = served.client.post("/api/repeat", content=bytes(2 * 2**20))
    assert json_answer.status_code == 413


def test_a_hundred_clients_that_stall_hold_up_nobody(served: Served) -> None:
    head = f"POST /api/photographs HTTP/1.1\r\nHost: {served.host}\r\nContent-Length: 1000000\r\n\r\n".encode()
    with ExitStack() as open_sockets:
        stalled = [
            open_sockets.enter_context(socket.create_connection(("127.0.0.1", served.door.port))) for _ in range(100)
        ]
        for number, one in enumerate(stalled):
            one.sendall(head[: len(head) if number % 2 else 40])  # half in the body, half in the head
        for _ in range(5):
            assert served.client.get("/healthz", timeout=5).status_code == 200
        assert served.json("GET", "/api/shelf", timeout=5)["latents"]
    assert served.json("GET", "/readyz") == {"status": "ok"}


def test_a_defect_is_a_value_and_not_500() -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ZeroDivisionError

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=Guard(broken, Door("localhost", 80)))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/api/shelf")

    answer = asyncio.run(ask())
    assert answer.status_code == 503
    assert "ZeroDivision" not in answer.text
