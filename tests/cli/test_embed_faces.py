"""`i2s-trt embed` on photographs of people: alignment by model, warnings, and ways out."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2s_trt import prepare_picture
from i2s_trt.checkpoints.catalogue import ModelInfo
from i2s_trt.checkpoints.store import load_generator, save_model
from i2s_trt.faces.landmarks import Landmarks
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path
from i2s_trt.images.fit import picture_digest
from i2s_trt.latents import read_latent
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.photographs.people import AlignOptions
from i2s_trt.photographs.record import alignment_of
from tests.cli.support import I2s, invoke, names, refused, results, says
from tests.faces.photographs import several

STEPS = ("--features", "random", "--steps", 2)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 16x16 model that says that it draws faces."""
    folder = tmp_path_factory.mktemp("model") / "tiny-faces"
    weights = random_weights(standard_spec(16, 16, 24), seed=3)
    save_model(folder, ModelInfo("tiny-faces", weights.spec, weights.digest(), "random weights"), weights)
    return folder


def kind_of(latent: Path) -> str:
    found = alignment_of(read_latent(latent).extra)
    assert found is not None
    return found.kind


def test_a_model_of_faces_gets_them_aligned(i2s: I2s, astronaut: Path, tmp_path: Path, faces: Path) -> None:
    run = i2s("embed", astronaut, "-m", faces, *STEPS, "-o", "out")
    assert run.code == 0, run.err
    assert "faces:    aligned as in FFHQ; found by BlazeFace and face mesh (MediaPipe)" in run.out
    assert kind_of(tmp_path / "out/astronaut.safetensors") == "ffhq"
    assert names(tmp_path / "out") == results("astronaut")


def test_another_model_does_not(astronaut: Path, tmp_path: Path, quick: tuple[object, ...]) -> None:
    done = invoke("embed", astronaut, *quick, "-o", tmp_path)
    assert "faces:" not in done.output
    assert kind_of(tmp_path / "astronaut.safetensors") == "crop"


@pytest.mark.parametrize("picture", ["astronaut", "cat"])
@pytest.mark.parametrize("of_faces", [True, False])
def test_python_prepares_the_very_picture_that_the_command_embeds(
    picture: str, of_faces: bool, tmp_path: Path, faces: Path, small: Path
) -> None:
    model, photo = (faces if of_faces else small), example_path(picture)
    assert invoke("embed", photo, "-m", model, *STEPS, "-o", tmp_path).exit_code == 0
    latent = read_latent(tmp_path / f"{photo.stem}.safetensors")
    for source in (photo, decode(photo)):
        prepared = prepare_picture(source, load_generator(model))
        assert picture_digest(prepared.pixels) == latent.image_digest
        np.testing.assert_equal(prepared.record["alignment"]["quad"], latent.extra["alignment"]["quad"])
    assert alignment_of(prepared.record) is not None


@pytest.mark.parametrize(("word", "kind"), [("--align", "ffhq"), ("--no-align", "crop")])
def test_the_user_has_the_last_word(
    astronaut: Path, tmp_path: Path, faces: Path, quick: tuple[object, ...], word: str, kind: str
) -> None:
    chosen = ("-m", faces, *STEPS) if word == "--no-align" else quick
    assert invoke("embed", astronaut, *chosen, word, "-o", tmp_path).exit_code == 0
    assert kind_of(tmp_path / "astronaut.safetensors") == kind


def test_what_is_no_face_is_embedded_with_a_warning(i2s: I2s, cat: Path, tmp_path: Path, faces: Path) -> None:
    run = i2s("embed", cat, "-m", faces, *STEPS, "-o", "out")
    assert run.code == 0
    assert "note: chelsea: no face was found, so the picture is embedded as it is" in run.err
    assert names(tmp_path / "out") == results("chelsea")


def test_where_a_face_is_demanded_the_batch_goes_on(
    i2s: I2s, astronaut: Path, cat: Path, tmp_path: Path, faces: Path
) -> None:
    run = i2s("embed", cat, astronaut, "-m", faces, *STEPS, "--align", "-o", "out")
    says(run, 1, "chelsea.png: no face was found", "--landmarks", "--no-align")
    assert names(tmp_path / "out") == results("astronaut")


def test_landmarks_by_hand(cat: Path, tmp_path: Path, faces: Path) -> None:
    face = {"left_eye": [180, 120], "right_eye": [260, 120], "mouth": [220, 200]}
    (tmp_path / "faces.json").write_text(json.dumps(face))
    words = ("--landmarks", tmp_path / "faces.json", "--align")
    assert invoke("embed", cat, "-m", faces, *STEPS, *words, "-o", tmp_path / "out").exit_code == 0
    assert kind_of(tmp_path / "out/chelsea.safetensors") == "ffhq"


def test_all_faces_of_a_photograph(tmp_path: Path, faces: Path) -> None:
    Image.fromarray(several()).save(tmp_path / "group.png")
    done = invoke("embed", tmp_path / "group.png", "-m", faces, *STEPS, "--face", "all", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert names(tmp_path / "out") == results("group-face1", "group-face2", "group-face3")
    again = invoke(
        "embed", tmp_path / "group.png", "-m", faces, *STEPS, "--face", "all", "-o", tmp_path / "out", "--resume"
    )
    assert again.output.count("already embedded") == 3


def test_an_aligned_picture_is_embedded_as_it_is(astronaut: Path, tmp_path: Path, faces: Path) -> None:
    assert invoke("align", astronaut, "-o", tmp_path / "aligned", "--size", 16).exit_code == 0
    assert invoke("embed", tmp_path / "aligned", "-m", faces, *STEPS, "-o", tmp_path / "out").exit_code == 0
    latent = read_latent(tmp_path / "out/astronaut.safetensors")
    assert latent.extra["alignment"]["size"] == [512, 512]
    target = decode(tmp_path / "out/astronaut-strip.png")[:, :16]
    assert (target == decode(tmp_path / "aligned/astronaut.png")).all()


@pytest.mark.parametrize("of_faces", [True, False])
def test_a_picture_of_a_few_pixels_is_refused(of_faces: bool, tmp_path: Path, faces: Path, small: Path) -> None:
    out = tmp_path / "out"
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    Image.new("RGB", (500, 3)).save(tmp_path / "line.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "least.png")
    for name, size in (("dot", "1 x 1"), ("line", "500 x 3")):
        done = invoke("embed", tmp_path / f"{name}.png", "-m", faces if of_faces else small, *STEPS, "-o", out)
        refused(done, 2, f"{name}.png has {size} pixels, too few", "4 x 4 pixels at least")
    assert names(out) == []
    assert invoke("embed", tmp_path / "least.png", "-m", small, *STEPS, "-o", out).exit_code == 0


@pytest.mark.parametrize("kind", ["gif", "png", "webp", "tiff"])
def test_the_other_pictures_of_an_animation_are_told(kind: str, cat: Path, tmp_path: Path, faces: Path) -> None:
    frames = [Image.open(cat).convert("RGB").resize((64, 64)).rotate(turn) for turn in (0, 90)]
    frames[0].save(tmp_path / f"a.{kind}", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / f"still.{kind}")
    for options in (AlignOptions(), AlignOptions(landmarks={"*": [Landmarks((20, 20), (40, 20), (22, 40), (38, 40))]})):
        for align in (True, False):
            told = prepare_picture(tmp_path / f"a.{kind}", load_generator(faces), align=align, options=options).warnings
            assert any("the first picture of several in the file is taken" in line for line in told)
            still = prepare_picture(tmp_path / f"still.{kind}", load_generator(faces), align=align, options=options)
            assert not any("several" in line for line in still.warnings)


def test_far_too_small_pictures_are_told(i2s: I2s, cat: Path, tmp_path: Path, quick: tuple[object, ...]) -> None:
    Image.open(cat).resize((9, 6)).save(tmp_path / "small.png")
    run = i2s("embed", "small.png", *quick, "-o", "out")
    assert run.code == 0
    assert "note: small: only 6 pixels of the photograph make a picture of 16" in run.err


def test_the_distance_is_judged_by_the_models_own_samples(i2s: I2s, astronaut: Path, faces: Path) -> None:
    run = i2s("embed", astronaut, "-m", faces, *STEPS, "--learning-rate", 3, "-o", "out")
    assert "times as far from the mean latent as the model's own samples" in run.err
    near = i2s("embed", astronaut, "-m", faces, *STEPS, "-o", "near", "--json")
    (done,) = [event for event in near.events if event["event"] == "done"]
    assert 0 < done["distance_by_samples"] < 2


@pytest.mark.parametrize(
    ("words", "message"), [
        (["--face", "0"], "--face '0'"), (["--landmarks", "none.json"], "cannot be read"),
        (["--align", "--detector", "none.onnx"], "no detector file"), (["--frame-steps", "-1"], "--frame-steps"),
        (["--temporal-weight", "-1"], "--temporal-weight"), (["--smoothing", "nan"], "smoothing"),
    ], ids=str,
)  # fmt: skip
def test_bad_values_are_refused(
    astronaut: Path, tmp_path: Path, words: list[str], message: str, quick: tuple[object, ...]
) -> None:
    refused(invoke("embed", astronaut, *quick, "-o", tmp_path / "out", *words), 2, message)
