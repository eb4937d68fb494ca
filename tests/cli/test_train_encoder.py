"""`i2s-trt train-encoder`, and `embed --schedule fast --init encoder` after it."""

from pathlib import Path

import pytest

from i2s_trt.checkpoints.encoders import encoder_path, load_encoder
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.embedding.loss import curvature
from i2s_trt.images.decode import decode
from i2s_trt.latents import read_latent
from tests.checkpoints.reference_encoders import EncoderRecipe, raw_encoder
from tests.checkpoints.reference_stylegan2 import Recipe2, raw_state
from tests.checkpoints.writers_stylegan2 import encoder_bundle
from tests.cli.support import invoke, refused
from tests.video.clips import moving_photograph, write_clip


@pytest.fixture(autouse=True)
def few_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curvature, "POINTS", 2)
    monkeypatch.setattr(curvature, "PROBES", 2)


def train(model: Path, *more: object) -> tuple[object, ...]:
    return ("train-encoder", "-m", model, "--features", "random", "--presentations", 24, "--batch", 4, *more)


def test_it_trains_keeps_and_is_used_to_start_from(small: Path, astronaut: Path, tmp_path: Path) -> None:
    done = invoke(*train(small))
    assert done.exit_code == 0, done.output
    generator = load_generator(small)
    assert str(encoder_path(generator.digest)) in done.output
    assert load_encoder(generator).recipe["presentations"] == 24
    fast = ("embed", astronaut, "-m", small, "--features", "random", "--schedule", "fast", "-o", tmp_path)
    done = invoke(*fast, "--init", "encoder", "--steps", 4)
    assert done.exit_code == 0, done.output
    latent = read_latent(tmp_path / "astronaut.safetensors")
    assert (latent.options["schedule"], latent.options["init"]) == ("fast", "encoder")
    assert latent.options["init_digest"] == load_encoder(generator).digest
    assert latent.extra["steps_done"] == 4


def test_a_second_encoder_needs_to_be_asked_for(small: Path) -> None:
    assert invoke(*train(small)).exit_code == 0
    refused(invoke(*train(small)), 2, "has an encoder already", "--overwrite")
    assert invoke(*train(small, "--seed", 1, "--overwrite")).exit_code == 0
    assert load_encoder(load_generator(small)).recipe["seed"] == 1


def test_json_is_events_alone(small: Path) -> None:
    import json

    done = invoke(*train(small, "--json"))
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["event"] == "end"
    assert 0 < events[-1]["held_out_error"] < 2
    assert [event["shown"] for event in events if event["event"] == "progress"][-1] == 24


def test_an_encoder_that_came_with_the_model_is_used_to_start_from(astronaut: Path, tmp_path: Path) -> None:
    decoder = Recipe2(channels=(7, 6, 5, 4), z_dim=10)
    state = raw_encoder(EncoderRecipe(decoder.rows, decoder.w_dim))
    bundle = encoder_bundle(decoder, raw_state(decoder), state, encoder_type="Encoder4Editing")
    (tmp_path / "e4e.pt").write_bytes(bundle)
    done = invoke("models", "import", tmp_path / "e4e.pt")
    assert "from a rosinality file, with an encoder" in done.output
    assert "its encoder (Encoder4Editing) comes with it, for embed --init encoder" in done.output
    run = ("embed", astronaut, "-m", "e4e", "--features", "random", "--init", "encoder", "-o", tmp_path, "--steps", 1)
    done = invoke(*run)
    assert done.exit_code == 0, done.output
    latent, encoder = read_latent(tmp_path / "astronaut.safetensors"), load_encoder(load_generator("e4e"))
    assert latent.options["init_digest"] == encoder.digest
    clip = write_clip(tmp_path / "talk.mp4", moving_photograph(decode(astronaut), 2))
    done = invoke("embed", clip, *run[2:], "-o", tmp_path / "clip")
    assert done.exit_code == 0, done.output
    assert read_latent(tmp_path / "clip/talk/frame-00000.safetensors").options["init_digest"] == encoder.digest
    refused(invoke("train-encoder", "-m", "e4e"), 2, "has an encoder already", "--overwrite")
    refused(invoke("train-encoder", "-m", tmp_path / "e4e.pt"), 2, "holds an encoder", "models import")


def test_an_interrupt_keeps_nothing(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import nullcontext

    monkeypatch.setattr("cli.train_encoder.stop_requests", lambda: nullcontext(lambda: True))
    done = invoke(*train(small))
    assert done.exit_code == 130
    assert not encoder_path(load_generator(small).digest).exists()


def test_a_start_that_is_none_names_those_that_are(small: Path, astronaut: Path) -> None:
    done = invoke("embed", astronaut, "-m", small, "--features", "random", "--init", "encode", "--steps", 1)
    refused(done, 2, "'encode' is no way to start and not a latent file", "start from mean, random or encoder")


def test_an_encoder_that_was_never_trained_is_an_error_with_a_hint(small: Path, astronaut: Path) -> None:
    done = invoke("embed", astronaut, "-m", small, "--features", "random", "--init", "encoder", "--steps", 1)
    refused(done, 2, "no encoder has been trained", "i2s-trt train-encoder")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("--schedule", "slow"), ("--schedule", "paper, fast")),
        (("--schedule", "fast", "--noise", "resampled"), ("same noise", "--schedule paper")),
        (("--schedule", "fast", "--learning-rate", "0.1"), ("does nothing", "--learning-rate")),
    ],
)
def test_what_makes_no_sense_is_refused(
    small: Path, astronaut: Path, wrong: tuple[str, ...], words: tuple[str, ...]
) -> None:
    refused(invoke("embed", astronaut, "-m", small, "--features", "random", *wrong), 2, *words)


def test_the_first_fast_run_says_that_it_measures(small: Path, astronaut: Path, tmp_path: Path) -> None:
    fast = ("embed", astronaut, "-m", small, "--features", "random", "--schedule", "fast", "--steps", 2, "-o", tmp_path)
    said = [invoke(*fast).output for _ in range(2)]
    assert "schedule: fast, 2 steps; first the model's curvature, once: 4 backward passes" in said[0]
    assert "schedule: fast, 2 steps\n" in said[1]


def test_the_schedule_chooses_the_steps(small: Path) -> None:
    from cli.embed_inputs import steps_of

    assert (steps_of("paper", None), steps_of("fast", None)) == (5000, 400)
    assert (steps_of("paper", 7), steps_of("fast", 0)) == (7, 0)
