"""The figures of the model card mean what they say: checked on a generator that is the renderer itself."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from i2s_trt.embedding.loss import curvature
from i2s_trt.images.fit import to_target
from i2s_trt.models.generator import Generator
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.training.directions import edit_correlation, edit_table, factor_directions
from i2s_trt.training.equalised import EqualisedGenerator
from i2s_trt.training.evaluate import MOUTH, evaluate, mouth_share, photograph_figures
from i2s_trt.training.export_faces import canonical_weights
from i2s_trt.training.factor_reader import load_factor_reader
from i2s_trt.training.factors import COUNT, INDEX, sample_latents, uniform_from_latents
from i2s_trt.training.gallery import write_gallery
from i2s_trt.training.portraits.render import render_uniform
from i2s_trt.training.study import (
    PHOTOGRAPHS,
    embed_pictures,
    expression_pair,
    photographs,
    pixel_options,
    psnr,
    run_study,
    transfer,
)


def renderer_as_generator(sign: float = 1.0) -> Any:
    """Its w is the uniform variables themselves, so every direction is exact and every edit perfect."""

    def mapping(z: torch.Tensor) -> torch.Tensor:
        latents = z.numpy()[:, None].repeat(3, axis=1)
        return torch.from_numpy(uniform_from_latents(latents)) * sign

    def synthesis(w: torch.Tensor) -> torch.Tensor:
        portraits = render_uniform((w.numpy()[:, 0] * sign).clip(-1, 1), 64)
        return torch.from_numpy(portraits).permute(0, 3, 1, 2).float() / 127.5 - 1

    def broadcast(w: torch.Tensor) -> torch.Tensor:
        return w.unsqueeze(1)

    return SimpleNamespace(mapping=mapping, synthesis=synthesis, broadcast=broadcast, resolution=64)


def test_a_perfect_generator_scores_one() -> None:
    table = edit_table(renderer_as_generator(), ("smile", "gaze", "glasses"), faces=3)
    for scores in table.values():
        assert scores["correlation"] > 0.99
        assert scores["size_ratio"] == pytest.approx(1.0, abs=0.1)


def test_directions_point_the_way_a_factor_grows() -> None:
    directions = factor_directions(renderer_as_generator(sign=-1.0), count=500)
    torch.testing.assert_close(directions.rows, -torch.eye(COUNT), atol=1e-3, rtol=0)


def test_a_wrong_direction_scores_low() -> None:
    generator = renderer_as_generator()
    directions = factor_directions(generator, count=500)
    directions.rows[INDEX["smile"]] = directions.rows[INDEX["hair_length"]]
    correlation, _ = edit_correlation(generator, directions, "smile", sample_latents(3, 3, mixing=0.0))
    assert correlation < 0.3


def test_psnr_of_a_known_error() -> None:
    images = torch.zeros(2, 3, 8, 8)
    targets = torch.stack([torch.full((3, 8, 8), 0.2), torch.full((3, 8, 8), 0.02)])
    torch.testing.assert_close(psnr(images, targets), torch.tensor([20.0, 40.0]))


def test_a_transfer_leaves_short_rows_alone() -> None:
    target, neutral = torch.zeros(3, 4), torch.zeros(3, 4)
    expression = torch.tensor([[3.0, 0, 0, 0], [0, 0.9, 0, 0], [0, 0, 0, 1.1]])
    moved = transfer(target, neutral, expression, 2.0)
    assert moved.tolist() == [[6, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, pytest.approx(2.2)]]


def test_the_mouth_share_counts_the_mouth_box() -> None:
    change = torch.zeros(3, 100, 100)
    change[:, 70, 50] = 3.0
    change[:, 10, 10] = 1.0
    assert mouth_share(change) == pytest.approx(0.9)


def test_an_expression_pair_differs_at_the_mouth() -> None:
    solemn, smiling = expression_pair(3, 128).astype(np.float32).transpose(0, 3, 1, 2)
    assert mouth_share(torch.from_numpy(smiling - solemn)) > 0.6
    box = (MOUTH[0].stop - MOUTH[0].start) * (MOUTH[1].stop - MOUTH[1].start)
    assert box < 0.12


def test_photographs_come_with_scikit_image() -> None:
    pictures = photographs(64)
    assert {name: picture.shape for name, picture in pictures.items()} == dict.fromkeys(pictures, (64, 64, 3))
    assert list(pictures) == ["astronaut", "cat", "coffee"]


def test_every_figure_and_picture_comes_out_of_two_studies(tmp_path: Path) -> None:
    spec = GeneratorSpec(64, COUNT, 128, (8,) * 5, (128,) * 2)
    generator = Generator.from_weights(canonical_weights(EqualisedGenerator(spec, 0)))
    study = run_study(generator, seed=1, renders=3, options=pixel_options(3))
    gentle = run_study(generator, seed=1, renders=3, options=pixel_options(2, 0.004))
    figures = evaluate(generator, load_factor_reader(), study, gentle, seed=1)
    assert set(figures["gentle_psnr"]) == set(figures["embedding_psnr"])
    assert set(figures["embedding_psnr"]) == {*PHOTOGRAPHS, *study.renders, "neutral", "expression"}
    assert all(0 < value < 60 for value in figures["embedding_psnr"].values())
    assert len(figures["row_norms"]) == generator.num_layers
    assert len(figures["transfer"]["astronaut"]["read"]["smile"]) == 4
    write_gallery(generator, study, gentle, tmp_path, seed=1)
    names = {"drawn", "generated", "edits", "embeddings", "morphs", "crossover", "expression"}
    assert {path.stem for path in tmp_path.iterdir()} == names


def test_embedding_improves_on_the_mean_latent() -> None:
    spec = GeneratorSpec(32, COUNT, 128, (16,) * 4, (128,) * 2)
    generator = Generator.from_weights(canonical_weights(EqualisedGenerator(spec, 0)))
    pictures = list(photographs(32).values())
    targets = torch.stack([to_target(picture) for picture in pictures])
    w_plus = embed_pictures(generator, pictures, pixel_options(40))
    mean = generator.mean_w_plus.expand(3, -1, -1)
    assert (psnr(generator.synthesis(w_plus), targets) > psnr(generator.synthesis(mean), targets) + 2).all()


def test_photographs_are_measured_in_trained_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curvature, "POINTS", 1)
    monkeypatch.setattr(curvature, "PROBES", 4)
    spec = GeneratorSpec(32, COUNT, 128, (16,) * 4, (128,) * 2)
    generator = Generator.from_weights(canonical_weights(EqualisedGenerator(spec, 0)))
    few, more = (photograph_figures(generator, steps) for steps in (1, 12))
    assert set(few) == set(PHOTOGRAPHS)
    for name in PHOTOGRAPHS:
        assert set(few[name]) == {"loss", "psnr", "conv1_1", "conv1_2", "conv3_2", "conv4_2"}
        assert more[name]["loss"] < 0.8 * few[name]["loss"]
        assert more[name]["conv3_2"] < few[name]["conv3_2"] < 5
