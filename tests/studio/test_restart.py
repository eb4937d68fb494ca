"""A studio that ends, in whatever way, and is started again on the same shelf."""

from pathlib import Path

from i2s_trt.studio.embeddings import FOLDER
from i2s_trt.studio.model import StudioModel
from tests.studio.conftest import serving, small_model
from tests.studio.run import embed, ended, listed, running, send, wait


def test_what_waited_or_ran_is_listed_as_stopped_and_goes_on(
    tmp_path: Path, model: StudioModel, astronaut: Path
) -> None:
    with serving(tmp_path, model) as first:
        photograph = send(first, astronaut)["id"]
        runs = embed(first, photograph, "runs", steps=20_000)
        wait(first, runs, running)
        first.json("POST", f"/api/embeddings/{runs}/stop")  # which keeps its state at once
        reached = wait(first, runs, ended)["step"]
        first.json("POST", f"/api/embeddings/{runs}/more", json={})
        waits = embed(first, photograph, "waits", steps=2)
        wait(first, runs, lambda told: bool(told["step"] > reached))
    (tmp_path / FOLDER / "9-torn.json").write_text("{")
    with serving(tmp_path, small_model("random-8")) as other:
        assert listed(other) == [], "what belongs to another model waits for that"
    with serving(tmp_path, model) as second:
        assert listed(second) == [runs, waits]
        ran, waited = second.json("GET", "/api/embeddings")["embeddings"]
        assert [(one["state"], one["onward"]) for one in (ran, waited)] == [("stopped", "resume"), ("stopped", "begin")]
        assert ran["step"] >= reached, "as far as its state was kept"
        assert "before it did" in ran["note"]
        assert "before it began" in waited["note"]
        second.json("POST", f"/api/embeddings/{runs}/more", json={})
        assert wait(second, runs, lambda told: bool(told["step"] > ran["step"]))["note"] is None
        second.json("DELETE", f"/api/embeddings/{runs}")
        second.json("POST", f"/api/embeddings/{waits}/more", json={})
        assert wait(second, waits, ended)["state"] == "finished"
        assert embed(second, photograph, "later", steps=2) == waits + 1, "numbers are not given twice"
        assert not list((tmp_path / FOLDER).glob("9-*"))
