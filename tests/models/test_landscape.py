"""Models of landscape pictures (LSUN Car): what meets a picture takes the rows that they show, and no others."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from export.graphs.features import features_graph
from export.graphs.synthesis import images_graph, preview_graph, synthesis_graph
from i2s_trt.checkpoints.catalogue import ModelInfo
from i2s_trt.checkpoints.store import save_model
from i2s_trt.embedding.embed import EmbedProblem
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path
from i2s_trt.images.fit import fit_picture
from i2s_trt.latents import read_latent
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16
from i2s_trt.photographs.record import alignment_of
from i2s_trt.synthesizer import TorchSynthesizer
from tests.cli.support import invoke

WEIGHTS = random_weights(standard_spec(16, 16, 24), seed=3)
WEIGHTS = replace(WEIGHTS, spec=replace(WEIGHTS.spec, crop=(2, 14)))


@pytest.fixture(scope="module")
def wide() -> Generator:
    return Generator.from_weights(WEIGHTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "cars"
    save_model(path, ModelInfo("cars", WEIGHTS.spec, WEIGHTS.digest(), "random weights"), WEIGHTS)
    return path


def square(wide: Generator, w_plus: torch.Tensor) -> Any:
    """The whole network output, uint8 [N, 16, 16, 3]."""
    from i2s_trt.images.fit import to_pixels

    with torch.no_grad():
        return to_pixels(wide.synthesis(w_plus))


def test_pictures_and_previews_are_the_rows(wide: Generator) -> None:
    w_plus = torch.randn(2, 6, 24, generator=torch.Generator().manual_seed(0))
    render = TorchSynthesizer(wide)
    rows = square(wide, w_plus)[:, 2:14]
    np.testing.assert_array_equal(render(w_plus.numpy()), rows)
    np.testing.assert_array_equal(render.preview(w_plus.numpy()), rows)
    assert render.images(w_plus.numpy()).shape == (2, 3, 12, 16)


@pytest.mark.parametrize(
    ("graph", "shape"),
    [(synthesis_graph, (2, 12, 16, 3)), (preview_graph, (2, 12, 16, 3)), (images_graph, (2, 3, 12, 16))],
)
def test_graphs_for_engines_give_the_rows(wide: Generator, graph: Any, shape: tuple[int, ...]) -> None:
    made = graph(wide)
    w_plus = torch.randn(2, 6, 24, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = made.function(w_plus, *made.defaults.values())
    assert tuple(found.shape) == shape
    if graph is not images_graph:
        assert np.abs(found.numpy().astype(int) - square(wide, w_plus)[:, 2:14]).max() <= 1


def test_features_are_taken_of_pictures_of_that_shape(wide: Generator, vgg: Vgg16) -> None:
    graph = features_graph(vgg, wide.spec, ObjectiveOptions())
    assert tuple(graph.examples["images"].shape[1:]) == (3, 12, 16)


def test_the_loss_does_not_see_the_other_rows(wide: Generator) -> None:
    """What is rendered outside the picture has no part in the loss nor in its gradient."""
    options = EmbedOptions(steps=1, objective=ObjectiveOptions(layer_weights={}, input_scale="signed"))
    target = fit_picture(decode(example_path("cat")), wide.spec)
    problem = EmbedProblem(Embedder(wide, options), [target])
    state = problem.start()
    losses, _ = problem.losses_and_gradient(state)
    with torch.no_grad():
        images = wide.synthesis(state.variable)[:, :, 2:14]
    wanted = torch.from_numpy(target.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)
    assert float(losses[0, 0]) == pytest.approx(float((images[0] - wanted).square().mean()), rel=1e-4)


def test_through_the_commands_and_back_into_the_photograph(folder: Path, cat: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert invoke("embed", cat, "-m", folder, "--features", "random", "--steps", 2, "-o", out).exit_code == 0
    assert decode(out / "chelsea.png").shape == (12, 16, 3)
    assert decode(out / "chelsea-strip.png").shape == (12, 36, 3)
    alignment = alignment_of(read_latent(out / "chelsea.safetensors").extra)
    assert alignment is not None
    np.testing.assert_allclose(alignment.quad[[0, 2]], [[24.8333, -0.5], [425.1667, 299.75]], atol=0.8)
    latent = out / "chelsea.safetensors"
    assert invoke("synthesize", latent, "-m", folder, "-o", tmp_path / "drawn", "--engine", "torch").exit_code == 0
    assert decode(tmp_path / "drawn/chelsea.png").shape == (12, 16, 3)
    target = fit_picture(decode(cat), WEIGHTS.spec)
    from i2s_trt.images.compose import write_png

    write_png(tmp_path / "target.png", target)
    done = invoke("paste-back", tmp_path / "target.png", cat, "--where", latent, "-o", tmp_path / "pasted.png")
    assert done.exit_code == 0, done.output
    error = np.square(decode(tmp_path / "pasted.png").astype(float) - decode(cat)).mean()
    assert 10 * np.log10(255**2 / max(error, 1e-9)) > 50
