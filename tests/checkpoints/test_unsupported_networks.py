"""StyleGAN1 networks with options that are not implemented, and tensors that do not fit together."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2s_trt.errors import CheckpointError
from tests.checkpoints.builders import (
    Recipe,
    dumps,
    generator,
    network,
    network_pickle,
    static_kwargs,
    tf_variables,
)

SMALL = Recipe()


def with_options(recipe: Recipe, **kwargs: Any) -> Recipe:
    return replace(recipe, kwargs=kwargs)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"use_styles": False}, "use_styles=False; supported: True"),
        ({"const_input_layer": False}, "const_input_layer=False"),
        ({"use_instance_norm": False}, "use_instance_norm=False"),
        ({"use_pixel_norm": True}, "use_pixel_norm=True"),
        ({"num_channels": 1}, "num_channels=1; supported: 3"),
        ({"fused_scale": "sometimes"}, "fused_scale=sometimes; supported: True, False, auto"),
        ({"nonlinearity": "selu"}, "nonlinearity=selu; supported: lrelu, relu"),
        ({"nonlinearity": "relu"}, "different nonlinearities"),
        ({"blur_filter": [1, 1]}, "blur_filter"),
        ({"blur_filter": [[1, 2, 1]]}, "blur_filter"),
        ({"truncation_psi": "strong"}, "not laid out as a network"),
    ],
    ids=str,
)
def test_unsupported_options(kwargs: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"net\.pkl") as caught:
        generator(tmp_path / "net.pkl", network_pickle(with_options(SMALL, **kwargs)))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"synthesis/8x8/Conv1/weight": None}, "lacks the tensor that becomes 'synthesis.layers.3.weight'"),
        ({"mapping/Dense1/bias": None}, "lacks the tensor that becomes 'mapping.dense.1.bias'"),
        ({"synthesis/ToRGB_lod0/weight": None}, "'synthesis.to_rgb.0.weight'"),
        ({"synthesis/4x4/Const/StyleMod/weight": None}, "'synthesis.layers.0.style.weight'"),
        ({"synthesis/8x8/Conv1/weight": np.ones((3, 3, 4, 4), "f4")}, "has shape [4, 4, 3, 3]"),
        ({"synthesis/noise2": np.ones((1, 1, 4, 4), "f4")}, "has shape [1, 1, 4, 4]"),
        ({"dlatent_avg": np.ones(3, "f4")}, "mean_w has shape [3]"),
        ({"synthesis/8x8/Conv1/bias": np.float32(1)}, "synthesis.layers.3.bias has shape []"),
        ({"synthesis/4x4/Const/bias": np.float32(1)}, "no StyleGAN1 has"),
        ({"synthesis/32x32/Conv1/bias": np.ones(4, "f4")}, "synthesis.layers.7.bias has shape [4]"),
        ({"mapping/Dense2/weight": np.ones((9, 11), "f4")}, "ends with 11 values, not 10 or 60"),
        ({"mapping/Dense1/bias": np.full(9, np.nan, "f4")}, "mapping.dense.1.bias holds values that are not finite"),
        ({"lod": np.float32(7)}, "lod 7.0 lies outside"),
        ({"lod": np.ones(2, "f4")}, "not laid out as a network"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_tensors_that_do_not_fit(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    variables = {k: v for k, v in (tf_variables(SMALL) | change).items() if v is not None}
    with pytest.raises(CheckpointError, match=r"net\.pkl") as caught:
        generator(tmp_path / "net.pkl", dumps(network(variables, static_kwargs(SMALL))))
    assert message in str(caught.value)


def test_small_file_that_asks_for_huge_noise_maps(tmp_path: Path) -> None:
    recipe = Recipe(channels=(1,) * 9)  # 1024x1024
    variables = {k: v for k, v in tf_variables(recipe).items() if "/noise" not in k}
    for size in (2048, 4096, 8192):
        like = {k: v for k, v in variables.items() if k.startswith("synthesis/1024x1024/")}
        variables |= {k.replace("1024", str(size)): v for k, v in like.items()}
    with pytest.raises(CheckpointError, match="24 styled layers"):
        generator(tmp_path / "net.pkl", dumps(network(variables, static_kwargs(recipe))))
