"""The paper's studies on a StyleGAN2."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.paper.album import Album
from benchmarks.paper.report.about import describe_run
from benchmarks.paper.studies import figure6, figure8
from i2s_trt.edit.operations import crossover
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, stylegan2_spec
from i2s_trt.models.vgg import Vgg16
from tests.paper.known import known_lab


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator.from_weights(random_weights(stylegan2_spec(16, 12, 24), seed=3))


def test_style_is_taken_over_from_the_papers_resolution_on(generator: Generator, vgg: Vgg16, tmp_path: Path) -> None:
    """From the row on that is a StyleGAN1's middle one, which is a row before a StyleGAN2's."""
    lab = known_lab(generator, vgg)
    assert lab.style_layers == range(2, 6)
    content, style = lab.embed(lab.standard())[:2]
    mixed = crossover(content.w_plus, style.w_plus, range(2, 6))
    np.testing.assert_array_equal(figure8.mixture(lab, content, style), lab.render(mixed[None])[0])
    assert figure6.measure(lab, Album(tmp_path)).checks


def test_a_report_says_which_architecture_it_is_about(generator: Generator, vgg: Vgg16) -> None:
    assert "a StyleGAN2, 16x16" in describe_run(known_lab(generator, vgg), "two").facts["model"]
