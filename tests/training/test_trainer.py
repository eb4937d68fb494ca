"""Training in miniature: the loss falls, files come back, and runs repeat."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from i2s_trt.checkpoints.store import load_generator
from i2s_trt.embedding.loss.objective import Objective
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.models.vgg import imagenet_vgg16
from i2s_trt.training import export_faces, faces, finish_faces
from i2s_trt.training.factors import COUNT
from i2s_trt.training.losses import FEATURE_LAYERS, FeatureLoss, pair_loss, portrait_loss, region_weights
from i2s_trt.training.shards import Shard, main, read_shards, render_shard, write_shard
from i2s_trt.training.trainer import StageOptions, Trained, TrainEvent, begin, train_stage

SPEC = GeneratorSpec(32, COUNT, 128, (16, 16, 16, 16), (128,) * 2)
STAGE = StageOptions(32, 800, batch=8, compiled=False, bfloat16=False, report_every=10)


@pytest.fixture(scope="module")
def shard() -> Shard:
    return render_shard(0, 64, 32)


def tensors(shard: Shard) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(shard.images).permute(0, 3, 1, 2), torch.from_numpy(shard.latents)


def train(shard: Shard) -> tuple[Trained, list[TrainEvent]]:
    model, events = begin(SPEC, 0), []
    images, latents = tensors(shard)
    train_stage(model, images, latents, STAGE, on_event=lambda event, _: events.append(event))
    return model, events


def test_the_loss_falls_and_the_run_repeats(shard: Shard) -> None:
    (model, events), (again, repeated) = train(shard), train(shard)
    losses = [event.loss for event in events]
    assert losses[-1] < 0.6 * losses[0]
    assert [event.loss for event in repeated] == losses
    assert events[-1].presentations == 800
    for name, parameter in model.average.raw.items():
        assert torch.equal(parameter, again.average.raw[name])


def test_the_average_follows_the_training(shard: Shard) -> None:
    model, _ = train(shard)
    images, latents = tensors(shard)
    targets, weights = images[:16].float() / 127.5 - 1, region_weights(32)
    with torch.no_grad():
        start = portrait_loss(begin(SPEC, 0).average(latents[:16]), targets, weights)
        end = portrait_loss(model.average(latents[:16]), targets, weights)
    assert end < 0.6 * start


def test_a_head_start_moves_new_parameters_only(shard: Shard) -> None:
    model, before = begin(SPEC, 0), begin(SPEC, 0)
    images, latents = tensors(shard)
    new = [name for name in model.current.raw if "layers/7" in name]
    stage = StageOptions(32, 40, batch=8, compiled=False, bfloat16=False, head_start=5)
    train_stage(model, images, latents, stage, new)
    for name, parameter in model.current.raw.items():
        if name not in new:
            assert torch.equal(parameter, before.current.raw[name]), name
    assert not torch.equal(model.current.raw[new[0]], before.current.raw[new[0]])


def test_a_time_limit_ends_training(shard: Shard) -> None:
    images, latents = tensors(shard)
    stage = StageOptions(32, 10**9, seconds=0.5, batch=8, compiled=False, bfloat16=False)
    train_stage(begin(SPEC, 0), images, latents, stage)


def test_the_loss_is_zero_for_equal_images_and_minds_the_mouth_most() -> None:
    weights = region_weights(64)
    plain = torch.zeros(1, 3, 64, 64)
    assert portrait_loss(plain, plain, weights) == 0
    mouth, corner = plain.clone(), plain.clone()
    mouth[..., 44:48, 30:34] = 1.0
    corner[..., 4:8, 4:8] = 1.0
    assert portrait_loss(mouth, plain, weights) > 2.5 * portrait_loss(corner, plain, weights)


def test_the_loss_of_pairs_sees_the_expression_and_not_the_face() -> None:
    weights, random = region_weights(32, mouth=9.0), torch.Generator().manual_seed(0)
    targets = torch.rand(6, 3, 32, 32, generator=random)
    wrong_face = targets + torch.rand(3, 3, 32, 32, generator=random).repeat_interleave(2, dim=0)
    assert pair_loss(wrong_face, targets, weights) < 1e-6
    wrong_expression = targets.clone()
    wrong_expression[0::2] = targets[1::2]
    assert pair_loss(wrong_expression, targets, weights) > 0.1


def test_training_on_pairs_takes_whole_pairs_and_brings_their_differences_nearer() -> None:
    images, latents = tensors(render_shard(3, 32, 32, pairs=True))
    model, targets = begin(SPEC, 0), images.float() / 127.5 - 1
    stage = replace(STAGE, pair_weight=2.0, mouth_weight=12.0)
    with torch.no_grad():
        before = pair_loss(model.average(latents), targets, region_weights(32))
    train_stage(model, images, latents, stage)
    with torch.no_grad():
        after = pair_loss(model.average(latents), targets, region_weights(32))
    assert after < before


def test_the_feature_loss_is_relative_and_minds_strands_more_than_a_tint() -> None:
    apart, random = FeatureLoss(32, 0), torch.Generator().manual_seed(0)
    targets = 0.3 * torch.rand(2, 3, 32, 32, generator=random)
    strands = targets + 0.2 * (torch.arange(32) % 4 < 2).float()
    tinted = targets + 0.1
    assert apart(targets, targets) == 0
    assert apart(strands, targets) > 3 * apart(tinted, targets)
    assert 0.5 < apart(torch.rand(2, 3, 32, 32, generator=random), targets) < 5


def test_the_feature_loss_looks_through_windows_of_every_place() -> None:
    apart, targets, seen = FeatureLoss(16, 0), torch.zeros(1, 3, 48, 48), []
    corner = targets.clone()
    corner[..., :8, :8] = 1.0
    for _ in range(60):
        apart.look_elsewhere(48)
        seen.append(float(apart(corner, targets)))
        assert float(apart(corner, targets)) == seen[-1]
    assert 0 < sum(value > 0 for value in seen) < 30


def test_the_feature_loss_sees_what_embedding_sees() -> None:
    random = torch.Generator().manual_seed(0)
    targets, images = (torch.rand(1, 3, 32, 32, generator=random) for _ in range(2))
    objective = Objective(targets, imagenet_vgg16(), ObjectiveOptions())
    wanted, found = objective.features, objective.layer_features(images)
    apart = [(found[name] - wanted[name]).abs().mean() / wanted[name].mean() for name in FEATURE_LAYERS]
    for window in (32, 500):  # a window larger than the picture is the picture
        torch.testing.assert_close(FeatureLoss(window, 0)(images, targets), torch.stack(apart).mean())


def test_features_count_from_their_share_of_the_stage_on(shard: Shard) -> None:
    images, latents = tensors(shard)
    late = replace(STAGE, presentations=80, feature_weight=1.0, feature_window=32, features_from=0.95)
    models = [begin(SPEC, 0) for _ in range(3)]
    stages = (replace(late, feature_weight=0.0), late, replace(late, features_from=0.5))
    for model, stage in zip(models, stages, strict=True):
        train_stage(model, images, latents, stage)
    never, hardly, half = (model.current.raw["synthesis/const"] for model in models)
    assert torch.equal(never, hardly)
    assert not torch.equal(never, half)


def test_training_on_features_brings_them_nearer(shard: Shard) -> None:
    images, latents = tensors(shard)
    targets = images.float() / 127.5 - 1
    plain, featured = begin(SPEC, 0), begin(SPEC, 0)
    train_stage(plain, images, latents, replace(STAGE, presentations=400))
    train_stage(featured, images, latents, replace(STAGE, presentations=400, feature_weight=1.0, feature_window=32))
    apart = FeatureLoss(32, 0)
    with torch.no_grad():
        assert apart(featured.average(latents), targets) < apart(plain.average(latents), targets)


def losses(shard: Shard, stage: StageOptions) -> list[float]:
    """Of a stage from the start, one a report."""
    events: list[TrainEvent] = []
    images, latents = tensors(shard)
    train_stage(begin(SPEC, 0), images, latents, stage, on_event=lambda event, _: events.append(event))
    return [event.loss for event in events]


@pytest.mark.gpu
def test_on_a_gpu_the_replayed_steps_learn_as_the_cpus(shard: Shard) -> None:
    stage = replace(STAGE, presentations=320, pair_weight=1.0, feature_weight=0.5, feature_window=16, features_from=0.5)
    cpu, cuda = (losses(shard, replace(stage, device=device)) for device in ("cpu", "cuda"))
    assert cuda == pytest.approx(cpu, rel=0.02)


def test_shards_come_back_as_written(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_shard(tmp_path / f"shard-{seed}.npz", seed, 3, 32)
    both = read_shards(sorted(tmp_path.glob("*.npz")))
    assert len(both) == 6
    assert np.array_equal(both.images[3:], render_shard(2, 3, 32).images)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["shard-1.npz", "shard-2.npz"]


def test_the_commands_train_and_export_a_model_that_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main([str(tmp_path / "shards"), "--shards", "1", "--count", "4", "--size", "128", "--workers", "1"])
    small = GeneratorSpec(128, COUNT, 128, (8,) * 6, (128,) * 2)
    for module in (faces, export_faces, finish_faces):
        monkeypatch.setattr(module, "SPEC", small)
    monkeypatch.setattr(torch, "compile", lambda model, **_: model)
    faces.main([str(tmp_path / "shards"), str(tmp_path / "run"), "--minutes", "0.01", "0.01", "0.02"])
    main([str(tmp_path / "pairs"), "--pairs", "--shards", "1", "--count", "4", "--workers", "1"])
    finish_faces.main([str(tmp_path / "pairs"), str(tmp_path / "run"), "--minutes", "0.02"])
    info = export_faces.export(tmp_path / "run" / finish_faces.CHECKPOINT, tmp_path / "model")
    again = ["--from-model", str(tmp_path / "model"), "--float32", "--presentations", "16", "--feature-weight", "0.5"]
    finish_faces.main([str(tmp_path / "pairs"), str(tmp_path / "run"), *again])
    generator = load_generator(tmp_path / "model")
    assert generator.digest == info.digest
    images = generator.synthesis(generator.mean_w_plus.unsqueeze(0))
    assert images.shape == (1, 3, 128, 128)
    assert images.isfinite().all()
