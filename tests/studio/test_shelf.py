"""The shelf: files that are latents, names that are no paths, and everything again after a restart."""

from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest

from i2s_trt.errors import LatentError, UsageError
from i2s_trt.latents import Latent, read_latent, save_latent
from i2s_trt.studio.model import StudioModel
from i2s_trt.studio.shelf import NameTaken, NotOnShelf, Shelf
from i2s_trt.studio.studio import Studio
from tests.studio.conftest import Served, serving

PATHS = (
    "../secret", "..", "../../etc/passwd", "..%2fsecret", "%2e%2e%2fsecret", "%252e%252e%252fsecret", "..\\secret",
    "/etc/passwd", "ann/../../secret", "ann%00", "....//secret", "..;/secret", ".", "~root", "ann.safetensors/..",
)  # fmt: skip


def _latent(model: StudioModel, seed: int = 0) -> Latent:
    shape = (model.generator.num_layers, model.generator.w_dim)
    w_plus = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return Latent(w_plus, model_digest=model.generator.digest)


def test_a_latent_is_laid_renamed_and_deleted(tmp_path: Path, model: StudioModel) -> None:
    shelf = Shelf(tmp_path, model)
    shelf.put("eve", _latent(model), np.zeros((16, 16, 3), np.uint8))
    assert {path.name for path in tmp_path.iterdir()} == {"eve.safetensors", "eve.png", "eve.target.png"}
    shelf.rename("eve", "Eve")
    assert shelf.names() == ["Eve"]
    assert shelf.target("Eve")
    shelf.delete("Eve")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NotOnShelf):
        shelf.latent("Eve")


def test_names_are_taken_whatever_their_case(tmp_path: Path, model: StudioModel) -> None:
    shelf = Shelf(tmp_path, model)
    shelf.put("eve", _latent(model))
    with pytest.raises(NameTaken):
        shelf.put("EVE", _latent(model))
    assert shelf.free_name("Eve") == "Eve-2"
    shelf.put("adam", _latent(model))
    with pytest.raises(NameTaken):
        shelf.rename("adam", "eve")


@pytest.mark.parametrize("name", [*PATHS, "", "a b", "ann\n", "-ann", "x" * 61, "é"])
def test_what_is_no_name_reaches_no_disk(tmp_path: Path, model: StudioModel, name: str) -> None:
    shelf = Shelf(tmp_path / "shelf", model)
    for use in (shelf.path, shelf.latent, shelf.target, shelf.delete, shelf.picture):
        with pytest.raises(UsageError, match="cannot name"):
            use(name)
    with pytest.raises(UsageError, match="cannot name"):
        shelf.put(name, _latent(model))


def test_files_of_others_are_left_out_or_refused(tmp_path: Path, model: StudioModel) -> None:
    shelf = Shelf(tmp_path, model)
    (tmp_path / "broken.safetensors").write_bytes(b"no latent")
    save_latent(tmp_path / "other.safetensors", Latent(np.ones((4, 4), np.float32)))
    assert shelf.list() == []
    with pytest.raises(LatentError):
        shelf.w_plus("other")


def test_a_file_that_changes_is_read_again(tmp_path: Path, model: StudioModel) -> None:
    shelf = Shelf(tmp_path, model)
    shelf.put("eve", _latent(model))
    before = shelf.digest("eve")
    shelf.put("eve", _latent(model, 1), replace=True)
    assert shelf.digest("eve") != before


def test_a_new_shelf_is_not_empty_and_a_restart_keeps_it(tmp_path: Path, model: StudioModel) -> None:
    with serving(tmp_path, model) as first:
        shown = first.json("GET", "/api/shelf")["latents"]
        assert [latent["name"] for latent in shown] == ["ann", "bob"]
        first.json("DELETE", "/api/shelf/bob")
        first.json("POST", "/api/shelf/ann/rename", json={"to": "anna"})
        node = first.json("POST", "/api/history", json={"edit": {"base": {"kind": "latent", "name": "anna"}}})
    with serving(tmp_path, model) as second:
        (kept,) = second.json("GET", "/api/shelf")["latents"]
        assert kept["name"] == "anna"
        assert kept["made"]
        assert second.client.get(kept["picture"]).headers["content-type"] == "image/png"
        assert second.json("GET", "/api/history")["current"] == node["id"]


def test_a_folder_belongs_to_one_studio(served: Served, model: StudioModel, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="another studio"):
        Studio(model, served.studio.shelf.folder)
    (tmp_path / ".ann.png.0123.tmp").write_bytes(b"torn")
    Studio(model, tmp_path).close()
    assert not list(tmp_path.glob("*.tmp"))


def test_latent_files_come_and_go(served: Served, tmp_path: Path) -> None:
    data = served.client.get("/api/shelf/ann/file").content
    (tmp_path / "ann.safetensors").write_bytes(data)
    assert read_latent(tmp_path / "ann.safetensors").model_digest == served.studio.model.generator.digest
    assert served.json("PUT", "/api/shelf/guest", content=data)["name"] == "guest"
    assert served.client.put("/api/shelf/guest", content=data).status_code == 409
    refused = served.client.put("/api/shelf/rubbish", content=b"rubbish")
    assert refused.status_code == 422
    assert "the file" in refused.json()["error"]
    assert str(served.studio.shelf.folder) not in refused.text
    served.json("DELETE", "/api/shelf/guest")


@pytest.mark.parametrize("spelling", PATHS)
def test_no_spelling_of_a_path_leads_out(served: Served, spelling: str) -> None:
    secret = served.studio.shelf.folder.parent / "secret.safetensors"
    secret.write_bytes(served.studio.shelf.path("ann").read_bytes())
    for method, path in (
        ("GET", f"/api/shelf/{spelling}/file"), ("GET", f"/api/shelf/{spelling}/picture"), ("GET", f"/page/{spelling}"),
        ("GET", f"/api/photographs/{spelling}/picture"), ("DELETE", f"/api/shelf/{spelling}"),
    ):  # fmt: skip
        connection = HTTPConnection(served.host)  # unlike httpx it sends a path as it is
        connection.request(method, path)
        assert connection.getresponse().status in (400, 404, 405)
        connection.close()
    assert secret.is_file()
    edit = {"base": {"kind": "latent", "name": spelling}}
    assert served.client.post("/api/export", json={"edit": edit, "kind": "latent"}).status_code == 422
    assert served.client.post("/api/shelf/ann/rename", json={"to": spelling}).status_code == 422
