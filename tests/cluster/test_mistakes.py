"""What a user mistypes is refused before Ray is asked for anything, in the words of a run without it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from i2s_trt.checkpoints import features
from i2s_trt.cluster.embed_check import embed_settings
from i2s_trt.cluster.embed_work import EmbedSettings, attach, detach, open_embedding
from i2s_trt.cluster.faults import why
from i2s_trt.cluster.tasks import Bench
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.errors import I2sError, ModelError
from i2s_trt.images.compose import write_png
from i2s_trt.models.generator import Generator
from i2s_trt.session import SessionOptions
from tests.cli.support import invoke, refused
from tests.cluster.models import save_toy
from tests.conftest import Run

NOBODY = ("--cluster", "127.0.0.1:9")  # whoever looks for a cluster there ends with 3
RECIPE = '[[edit]]\nname = "m"\noperation = "truncation"\npsi = 0.5\n'


@pytest.fixture
def embed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Embeds a picture for no steps."""
    monkeypatch.chdir(tmp_path)
    write_png(tmp_path / "photo.png", np.zeros((16, 16, 3), np.uint8))
    words = ["embed", "photo.png", "--steps", 0, "-m", save_toy(tmp_path), "--no-align", "--features", "random"]
    return lambda *more: invoke(*words, *more)


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Edits three samples."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.toml").write_text(RECIPE)
    words = ["edit", "r.toml", "--seeds", "1-3", "-m", save_toy(tmp_path), "-o", "out"]
    return lambda *more: invoke(*words, *more)


def complaint(done: Result) -> tuple[int, str, str]:
    """Exit code, notes and error of a command that was refused."""
    assert isinstance(done.exception, I2sError), done.output
    return done.exception.exit_code, done.stderr, str(done.exception)


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
def test_it_is_refused_as_without_a_cluster(embed: Callable[..., Result], mistake: tuple[str, ...]) -> None:
    alone, shared = complaint(embed(*mistake)), complaint(embed(*mistake, *NOBODY))
    assert alone == shared
    assert alone[0] == 2


def test_a_device_that_is_none_is_refused_before_anything_is_rendered(edit: Callable[..., Result]) -> None:
    refused(edit("--device", "foo", *NOBODY), 2, "no device named foo")


@pytest.mark.parametrize("address", ["", "10.0.0.1:99999"])
def test_an_address_that_is_none_is_refused(edit: Callable[..., Result], address: str) -> None:
    refused(edit("--cluster", address), 2, f"--cluster {address or repr('')}")


def test_with_nothing_left_no_cluster_is_asked(edit: Callable[..., Result], tmp_path: Path) -> None:
    assert edit().exit_code == 0
    before = (tmp_path / "out/journal.ndjson").read_bytes()
    again = edit("--resume", *NOBODY)
    assert (again.exit_code, "0 pictures rendered, 3 kept" in again.output) == (0, True), again.output
    assert (tmp_path / "out/journal.ndjson").read_bytes() == before
    next((tmp_path / "out").glob("*.png")).unlink()
    refused(edit("--resume", *NOBODY), 3, "no cluster at --cluster 127.0.0.1:9")


def test_a_ray_that_does_not_start_here_is_no_missing_cluster(
    i2s: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of its own, as users have it: the words of an error, and Ray's environment."""
    (tmp_path / "r.toml").write_text(RECIPE)
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / "file"))
    run = i2s("edit", "r.toml", "--seeds", "1", "-m", save_toy(tmp_path), "--cluster", "local:1")
    assert run.code == 3
    assert "error: Ray could not be started here: " in run.err
    assert "RAY_TMPDIR" in run.err


def test_with_no_photograph_left_no_cluster_is_asked(embed: Callable[..., Result]) -> None:
    assert embed("-o", "out").exit_code == 0
    again = embed("-o", "out", "--resume", *NOBODY)
    assert (again.exit_code, "already embedded" in again.output) == (0, True), again.output
    other = embed("-o", "out", "--resume", "--seed", 1, "--init", "random", *NOBODY)
    refused(other, 3, "no cluster at")  # a worker would have to say that it is kept


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


def test_torchvisions_features_are_sent_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "vgg16.pth"
    weights.write_bytes(b"weights")
    monkeypatch.setattr(features, "vgg16_file", lambda: weights)
    session = SessionOptions(features="torchvision")
    attached = attach(session, JobOptions())
    assert attached == {"features": ("vgg16.pth", b"weights")}
    there = detach(EmbedSettings(session, JobOptions(), attached), tmp_path / "worker").session.features
    assert Path(there).read_bytes() == b"weights"
    assert there != str(weights)


@pytest.mark.parametrize(("name", "init"), [("features", "mean"), ("start", "latent")])
def test_other_features_and_starts_than_the_drivers_are_refused(
    toy: Generator, tmp_path: Path, name: str, init: str
) -> None:
    model = save_toy(tmp_path)
    latent = tmp_path / "start.npy"
    np.save(latent, np.ones((toy.num_layers, toy.w_dim), np.float32))
    session = SessionOptions(model, "cpu", "random", init=str(latent) if init == "latent" else init)
    settings = embed_settings(session, JobOptions(), toy)
    bench = Bench("w", tmp_path / "worker")
    assert open_embedding({"embed": settings}, model, bench).hello.engine == "torch in fp32"
    other = replace(settings, digests={**settings.digests, name: "0" * 64})
    with pytest.raises(ModelError, match=r"its .* [0-9a-f]{12}, and the driver's 000000000000"):
        open_embedding({"embed": other}, model, bench)


def test_a_file_that_is_named_and_not_there_is_never_left_out(tmp_path: Path) -> None:
    with pytest.raises(I2sError, match="nope"):
        attach(SessionOptions(), JobOptions(style_picture=tmp_path / "nope.png"))
    assert attach(SessionOptions(init="mean", features="random"), JobOptions()) == {}
