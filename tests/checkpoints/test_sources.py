"""Downloads from a server on this machine."""

import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from i2s_trt.checkpoints.sources import SOURCES, Source, download, downloads_folder, source, vgg16_file
from i2s_trt.errors import EnvironmentFault, UsageError

MODEL = b"\x80\x04model" * 5000
PAGE = b"<!DOCTYPE html><title>Quota exceeded</title>"


class Server(ThreadingHTTPServer):
    """Counts its requests."""

    requests: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Answers /model, /page and /half; all else is 404."""

    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        body = {"/model": MODEL, "/half": MODEL[:1000], "/page": PAGE}.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(MODEL) if self.path == "/half" else len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.requests = []
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def item(url: str, data: bytes = MODEL, algorithm: str = "sha256") -> Source:
    return Source("net.pkl", url, f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}")


def kept() -> list[str]:
    return sorted(path.name for path in downloads_folder().iterdir())


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_good_download(algorithm: str, server: Server) -> None:
    path = download(item(f"{server.url}/model", algorithm=algorithm))
    assert path == downloads_folder() / "net.pkl"
    assert path.read_bytes() == MODEL


def test_second_call_makes_no_request(server: Server) -> None:
    for _ in range(2):
        download(item(f"{server.url}/model"))
    assert server.requests == ["/model"]


def test_damaged_copy_is_fetched_again(server: Server) -> None:
    path = download(item(f"{server.url}/model"))
    path.write_bytes(b"damaged")
    assert download(item(f"{server.url}/model")).read_bytes() == MODEL
    assert len(server.requests) == 2


def test_mirror(server: Server) -> None:
    assert download(item("http://127.0.0.1:9/model"), url=f"{server.url}/model").read_bytes() == MODEL


def test_progress(server: Server) -> None:
    reports: list[tuple[int, int]] = []
    download(item(f"{server.url}/model"), report=lambda done, total: reports.append((done, total)))
    assert reports[-1] == (len(MODEL), len(MODEL))


def test_wrong_digest(server: Server) -> None:
    wanted = item(f"{server.url}/model", b"other")
    with pytest.raises(EnvironmentFault, match=r"is not net\.pkl: its digest is not sha256:") as caught:
        download(wanted)
    assert f"{server.url}/model" in str(caught.value)
    assert "i2s-trt models import net.pkl" in caught.value.hint
    assert kept() == []


def test_web_page_instead_of_the_file(server: Server) -> None:
    with pytest.raises(EnvironmentFault, match="its digest is not") as caught:
        download(item(f"{server.url}/page"))
    assert "quota" in caught.value.hint
    assert kept() == []


def test_web_page_without_check(server: Server) -> None:
    with pytest.raises(EnvironmentFault, match="answered with a web page"):
        download(item(f"{server.url}/page"), check=False)
    assert kept() == []


def test_no_check_takes_any_file(server: Server) -> None:
    assert download(item(f"{server.url}/model", b"other"), check=False).read_bytes() == MODEL


def test_a_file_whose_digest_nobody_knows_is_taken_but_no_web_page(server: Server) -> None:
    known = Source("net.pkl", f"{server.url}/model", digest="")
    assert download(known).read_bytes() == MODEL
    (downloads_folder() / "net.pkl").unlink()
    with pytest.raises(EnvironmentFault, match="answered with a web page"):
        download(Source("net.pkl", f"{server.url}/page", digest=""))
    assert kept() == []


def test_not_found(server: Server) -> None:
    with pytest.raises(EnvironmentFault, match=r"net\.pkl could not be downloaded: 404") as caught:
        download(item(f"{server.url}/nothing"))
    assert "check the connection" in caught.value.hint
    assert kept() == []


def test_connection_refused() -> None:
    with pytest.raises(EnvironmentFault, match=r"net\.pkl could not be downloaded"):
        download(item("http://127.0.0.1:9/model"))
    assert kept() == []


def test_connection_lost_half_way(server: Server) -> None:
    with pytest.raises(EnvironmentFault, match=r"net\.pkl could not be downloaded"):
        download(item(f"{server.url}/half"))
    assert kept() == []


def test_address_that_is_none() -> None:
    with pytest.raises(EnvironmentFault, match=r"net\.pkl could not be downloaded: Failed to parse"):
        download(item("not an address"))


def test_hint_for_features_is_no_import(server: Server) -> None:
    vgg = Source("vgg.pth", f"{server.url}/nothing", "md5:0", is_generator=False)
    with pytest.raises(EnvironmentFault) as caught:
        download(vgg)
    assert f"put it at {downloads_folder() / 'vgg.pth'}" in caught.value.hint


# StyleGAN2s, whose publishers give no digests
BY_ADA = ("ffhq2", "metfaces", "afhqcat", "afhqdog", "afhqwild", "brecahad", "cifar10")
BY_STYLEGAN2 = ("car2", "cat2", "church2", "horse2")
BY_STYLEGAN3 = ("ffhq2-512", "ffhq2-256", "ffhqu2", "celebahq2", "metfacesu", "afhqv2", "lsundog")
UNCHECKED = {*BY_ADA, *BY_STYLEGAN2, *BY_STYLEGAN3}


@pytest.mark.parametrize("name", SOURCES)
def test_table_of_sources(name: str) -> None:
    known = source(name)
    if known.digest or name not in UNCHECKED:
        algorithm, _, digest = known.digest.partition(":")
        assert re.fullmatch(r"[0-9a-f]+", digest)
        assert len(digest) == {"sha256": 64, "md5": 32}[algorithm]
    assert known.url.startswith("https://")
    assert Path(known.file).name == known.file
    assert known.licence
    assert known.is_generator == (name != "vgg16")


def test_the_usual_models_are_known() -> None:
    assert {"ffhq", "car", "cat", "bedroom", "vgg16"} <= set(SOURCES)
    assert set(SOURCES) >= UNCHECKED


def test_car_is_cropped() -> None:
    assert {name: known.crop for name, known in SOURCES.items() if known.crop} == {"car": (64, 448), "car2": (64, 448)}


def test_unknown_source() -> None:
    with pytest.raises(UsageError, match="no known source named dog; there are: ffhq"):
        source("dog")


def test_vgg16_is_found_where_pytorch_keeps_it(own_home: Path) -> None:
    assert vgg16_file() is None
    cached = own_home / "torch" / "hub" / "checkpoints" / SOURCES["vgg16"].file
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"weights")
    assert vgg16_file() == cached
    pulled = downloads_folder() / SOURCES["vgg16"].file
    pulled.parent.mkdir()
    pulled.write_bytes(b"weights")
    assert vgg16_file() == pulled


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("ffhq", "celebahq", "bedroom", "car", "cat"), "CC BY-NC 4.0"),
        (BY_STYLEGAN2, "NVIDIA Source Code License-NC"),
        (BY_ADA, "NVIDIA Source Code License (github.com/NVlabs/stylegan2-ada-pytorch)"),
        (BY_STYLEGAN3, "NVIDIA Source Code License (github.com/NVlabs/stylegan3)"),
    ],
    ids=["stylegan", "stylegan2", "stylegan2-ada-pytorch", "stylegan3's repository"],
)
def test_each_family_has_the_licence_of_its_publisher(names: tuple[str, ...], words: str) -> None:
    assert all(words in SOURCES[name].licence for name in names)
