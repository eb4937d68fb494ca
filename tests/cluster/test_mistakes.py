"""What a user mistypes is refused before Ray is asked for anything, in the words of a run without it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from i2s_trt.cluster.embed_work import attach
from i2s_trt.cluster.faults import why
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.errors import I2sError
from i2s_trt.images.compose import write_png
from i2s_trt.session import SessionOptions
from tests.cluster.models import save_toy
from tests.conftest import Run

NOBODY = ("--cluster", "127.0.0.1:9")  # whoever looks for a cluster there ends with 3
RECIPE = '[[edit]]\nname = "m"\noperation = "truncation"\npsi = 0.5\n'


@pytest.fixture
def embed(i2s: Callable[..., Run], tmp_path: Path) -> Callable[..., Run]:
    """Embeds a picture for no steps."""
    import numpy as np

    write_png(tmp_path / "photo.png", np.zeros((16, 16, 3), np.uint8))
    words = ["embed", "photo.png", "--steps", 0, "-m", save_toy(tmp_path), "--no-align", "--features", "random"]
    return lambda *more: i2s(*words, *more)


@pytest.mark.parametrize(
    "mistake",
    [
        ("--style-image", "nope.png"),
        ("--style-image", "."),
        ("--features", "nope.pth"),
        ("--init", "nope.safetensors"),
        ("--init", "encoder"),
        ("--align", "--detector", "nope.onnx"),
        ("--device", "foo"),
    ],
)
def test_it_is_refused_as_without_a_cluster(embed: Callable[..., Run], mistake: tuple[str, ...]) -> None:
    alone, shared = embed(*mistake), embed(*mistake, *NOBODY)
    assert alone.code == shared.code == 2
    assert "error: " in alone.err
    assert alone.err == shared.err


def test_a_device_that_is_none_is_refused_before_anything_is_rendered(i2s: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    run = i2s("edit", "r.toml", "--seeds", "1", "-m", save_toy(tmp_path), "--device", "foo", *NOBODY)
    assert (run.code, "no device named foo" in run.err) == (2, True)


@pytest.mark.parametrize("address", ["", "10.0.0.1:99999"])
def test_an_address_that_is_none_is_refused(i2s: Callable[..., Run], tmp_path: Path, address: str) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    run = i2s("edit", "r.toml", "--seeds", "1", "-m", save_toy(tmp_path), "--cluster", address)
    assert (run.code, f"--cluster {address or repr('')}" in run.err) == (2, True)


def test_with_nothing_left_no_cluster_is_asked(i2s: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    edit = ["edit", "r.toml", "--seeds", "1-3", "-m", save_toy(tmp_path), "-o", "out"]
    assert i2s(*edit).code == 0
    before = (tmp_path / "out/journal.ndjson").read_bytes()
    again = i2s(*edit, "--resume", *NOBODY)
    assert (again.code, "0 pictures rendered, 3 kept" in again.out) == (0, True), again.err
    assert (tmp_path / "out/journal.ndjson").read_bytes() == before
    next((tmp_path / "out").glob("*.png")).unlink()
    assert i2s(*edit, "--resume", *NOBODY).code == 3


def test_a_ray_that_does_not_start_here_is_no_missing_cluster(
    i2s: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / "file"))
    run = i2s("edit", "r.toml", "--seeds", "1", "-m", save_toy(tmp_path), "--cluster", "local:1")
    assert run.code == 3
    assert "error: Ray could not be started here: " in run.err
    assert "RAY_TMPDIR" in run.err


def test_with_no_photograph_left_no_cluster_is_asked(embed: Callable[..., Run], tmp_path: Path) -> None:
    assert embed("-o", "out").code == 0
    again = embed("-o", "out", "--resume", *NOBODY)
    assert (again.code, "already embedded" in again.out) == (0, True), again.err
    other = embed("-o", "out", "--resume", "--seed", 1, "--init", "random", *NOBODY)
    assert other.code == 3, "a worker would have to say that it is kept"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Worker exit detail: Worker exits with code 9. There are (1) ... (2) ...", "Worker exits with code 9"),
        ("The actor died unexpectedly.\n\tclass_name: Actor", "The actor died unexpectedly"),
        ("cannot read a.png at 10.0.0.1:1", "cannot read a.png at 10.0.0.1:1"),
    ],
)
def test_reasons_are_a_sentence(said: str, reason: str) -> None:
    assert why(RuntimeError(said)) == reason


def test_a_file_that_is_named_and_not_there_is_never_left_out(tmp_path: Path) -> None:
    with pytest.raises(I2sError, match="nope"):
        attach(SessionOptions(), JobOptions(style_picture=tmp_path / "nope.png"))
    assert attach(SessionOptions(init="mean", features="random"), JobOptions()) == {}
