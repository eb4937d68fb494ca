"""Models of landscape and portrait pictures: what meets a picture takes the part that they show, and no other."""

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
from i2s_trt.models.generator import Generator, GeneratorWeights
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.models.vgg import Vgg16
from i2s_trt.photographs.record import alignment_of
from i2s_trt.synthesizer import TorchSynthesizer
from tests.cli.support import invoke

WEIGHTS = random_weights(standard_spec(16, 16, 24), seed=3)
CROPS: dict[str, dict[str, Any]] = {
    "rows": {"crop": (2, 14)}, "columns": {"crop_columns": (4, 12)}, "both": {"crop": (1, 15), "crop_columns": (6, 16)}
}  # fmt: skip


@pytest.fixture(scope="module", params=CROPS)
def weights(request: pytest.FixtureRequest) -> GeneratorWeights:
    return replace(WEIGHTS, spec=replace(WEIGHTS.spec, **CROPS[request.param]))


@pytest.fixture(scope="module")
def cropped(weights: GeneratorWeights) -> Generator:
    return Generator.from_weights(weights)


@pytest.fixture(scope="module")
def size(weights: GeneratorWeights) -> tuple[int, int]:
    return {None: (16, 8), (2, 14): (12, 16), (1, 15): (14, 10)}[weights.spec.crop]


@pytest.fixture(scope="module")
def folder(weights: GeneratorWeights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "cropped"
    save_model(path, ModelInfo("cropped", weights.spec, weights.digest(), "random weights"), weights)
    return path


def part(spec: GeneratorSpec, pixels: Any) -> Any:
    """Of uint8 [N, 16, 16, 3]."""
    rows, columns = spec.crop or (0, 16), spec.crop_columns or (0, 16)
    return pixels[:, rows[0] : rows[1], columns[0] : columns[1]]


def square(cropped: Generator, w_plus: torch.Tensor) -> Any:
    """The whole network output, uint8 [N, 16, 16, 3]."""
    from i2s_trt.images.fit import to_pixels

    with torch.no_grad():
        return to_pixels(cropped.synthesis(w_plus))


def test_pictures_and_previews_are_that_part(cropped: Generator, size: tuple[int, int]) -> None:
    assert cropped.spec.picture_size == size
    w_plus = torch.randn(2, 6, 24, generator=torch.Generator().manual_seed(0))
    render = TorchSynthesizer(cropped)
    wanted = part(cropped.spec, square(cropped, w_plus))
    np.testing.assert_array_equal(render(w_plus.numpy()), wanted)
    np.testing.assert_array_equal(render.preview(w_plus.numpy()), wanted)
    assert render.images(w_plus.numpy()).shape == (2, 3, *size)


@pytest.mark.parametrize("graph", [synthesis_graph, preview_graph, images_graph])
def test_graphs_for_engines_give_that_part(cropped: Generator, size: tuple[int, int], graph: Any) -> None:
    made = graph(cropped)
    w_plus = torch.randn(2, 6, 24, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = made.function(w_plus, *made.defaults.values())
    assert tuple(found.shape) == ((2, 3, *size) if graph is images_graph else (2, *size, 3))
    if graph is not images_graph:
        assert np.abs(found.numpy().astype(int) - part(cropped.spec, square(cropped, w_plus))).max() <= 1


def test_features_are_taken_of_pictures_of_that_shape(cropped: Generator, size: tuple[int, int], vgg: Vgg16) -> None:
    graph = features_graph(vgg, cropped.spec, ObjectiveOptions())
    assert tuple(graph.examples["images"].shape[1:]) == (3, *size)


def test_the_loss_does_not_see_the_rest(cropped: Generator) -> None:
    """What is rendered outside the picture has no part in the loss nor in its gradient."""
    options = EmbedOptions(steps=1, objective=ObjectiveOptions(layer_weights={}, input_scale="signed"))
    target = fit_picture(decode(example_path("cat")), cropped.spec)
    problem = EmbedProblem(Embedder(cropped, options), [target])
    state = problem.start()
    losses, _ = problem.losses_and_gradient(state)
    with torch.no_grad():
        images = part(cropped.spec, cropped.synthesis(state.variable).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    wanted = torch.from_numpy(target.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)
    assert float(losses[0, 0]) == pytest.approx(float((images[0] - wanted).square().mean()), rel=1e-4)


def test_through_the_commands_and_back_into_the_photograph(
    folder: Path, weights: GeneratorWeights, size: tuple[int, int], cat: Path, tmp_path: Path
) -> None:
    height, width = size
    out = tmp_path / "out"
    assert invoke("embed", cat, "-m", folder, "--features", "random", "--steps", 2, "-o", out).exit_code == 0
    assert decode(out / "chelsea.png").shape == (height, width, 3)
    assert decode(out / "chelsea-strip.png").shape == (height, 2 * width + 4, 3)
    alignment = alignment_of(read_latent(out / "chelsea.safetensors").extra)
    assert alignment is not None
    left, top = 225 - 150 * width / height, -0.5  # the middle of 451x300 pixels
    np.testing.assert_allclose(alignment.quad[[0, 2]], [[left, top], [450 - left, 299.5]], atol=0.8)
    latent = out / "chelsea.safetensors"
    assert invoke("synthesize", latent, "-m", folder, "-o", tmp_path / "drawn", "--engine", "torch").exit_code == 0
    assert decode(tmp_path / "drawn/chelsea.png").shape == (height, width, 3)
    target = fit_picture(decode(cat), weights.spec)
    from i2s_trt.images.compose import write_png

    write_png(tmp_path / "target.png", target)
    done = invoke("paste-back", tmp_path / "target.png", cat, "--where", latent, "-o", tmp_path / "pasted.png")
    assert done.exit_code == 0, done.output
    error = np.square(decode(tmp_path / "pasted.png").astype(float) - decode(cat)).mean()
    assert 10 * np.log10(255**2 / max(error, 1e-9)) > 50
