"""Photographs that the studio keeps: as long as something on the shelf needs them, and nobody deletes them."""

from pathlib import Path

from i2s_trt.studio.photographs import FOLDER
from tests.studio.conftest import Served
from tests.studio.run import embed, ended, running, send, wait


def _kept(served: Served) -> dict[str, list[str]]:
    return {one["id"]: one["latents"] for one in served.json("GET", "/api/photographs")["photographs"]}


def test_a_photograph_is_deleted_with_the_last_latent_that_was_made_from_it(served: Served, astronaut: Path) -> None:
    photograph = send(served, astronaut)
    number = embed(served, photograph["id"], "first", steps=2)
    wait(served, number, ended)
    assert served.client.get(photograph["picture"]).status_code == 200
    edit = {"base": {"kind": "latent", "name": "first"}, "truncation": 0.5}
    served.json("POST", "/api/save", json={"edit": edit, "name": "second"})
    assert _kept(served) == {photograph["id"]: ["first", "second"]}
    served.json("DELETE", "/api/shelf/first")
    assert _kept(served) == {photograph["id"]: ["second"]}
    served.json("DELETE", "/api/shelf/second")
    assert not list((served.studio.shelf.folder / FOLDER).iterdir()), "nothing is left on the disk"
    assert wait(served, number, ended)["onward"] == "never"
    refused = served.client.post(f"/api/embeddings/{number}/more", json={"steps": 1})
    assert (refused.status_code, "never work" in refused.json()["error"]) == (400, True)
    send(served, astronaut)
    assert wait(served, number, ended)["onward"] == "resume"


def test_a_photograph_is_looked_at_again_and_deleted_once_it_is_not_embedded(served: Served, astronaut: Path) -> None:
    photograph = send(served, astronaut)
    served.studio.photographs._answers.clear()  # as after a restart
    again = served.json("GET", f"/api/photographs/{photograph['id']}")
    assert again == photograph | {"name": "photograph"}
    number = embed(served, photograph["id"], "runs", steps=20_000)
    wait(served, number, running)
    refused = served.client.delete(f"/api/photographs/{photograph['id']}")
    assert (refused.status_code, refused.json()["hint"]) == (400, "cancel that first")
    served.json("DELETE", f"/api/embeddings/{number}")
    wait(served, number, ended)
    assert served.json("DELETE", f"/api/photographs/{photograph['id']}") == {"photographs": []}
    assert served.client.delete(f"/api/photographs/{photograph['id']}").status_code == 404
    assert served.client.get(f"/api/photographs/{photograph['id']}").status_code == 404
