"""Eq. 1, Eq. 2 and the style term, against their definitions."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from i2s_trt.embedding.loss.objective import Objective, perceptual_size
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.models.vgg import Vgg16

MEAN = torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([58.395, 57.12, 57.375]).view(1, 3, 1, 1)


def images(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def to_255(x: Tensor) -> Tensor:
    return (x + 1) * 127.5


def test_default_terms_are_equations_1_and_2_on_pixels_of_0_to_255(vgg: Vgg16) -> None:
    a, b = images(2, 3, 32, 32), images(2, 3, 32, 32, seed=1)
    losses = Objective(b, vgg, ObjectiveOptions())(a)
    pixel = (to_255(a) - to_255(b)).square().mean((1, 2, 3))
    torch.testing.assert_close(losses[:, 1], pixel, rtol=1e-4, atol=0)
    fa, fb = vgg(to_255(a) - MEAN), vgg(to_255(b) - MEAN)
    for column, name in enumerate(("conv1_1", "conv1_2", "conv3_2", "conv4_2"), start=2):
        expected = (fa[name] - fb[name]).square().mean((1, 2, 3))
        torch.testing.assert_close(losses[:, column], expected, rtol=1e-3, atol=0)
    torch.testing.assert_close(losses[:, 0], losses[:, 1:].sum(1))


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("normalized", lambda x: (to_255(x) - MEAN) / DEVIATION),
        ("unit", lambda x: (x + 1) / 2),
        ("signed", lambda x: x),
    ],
)
def test_other_input_scales(vgg: Vgg16, scale: str, expected: object) -> None:
    a, b = images(1, 3, 16, 16), images(1, 3, 16, 16, seed=1)
    options = ObjectiveOptions(input_scale=scale, layer_weights={"conv1_2": 1.0})  # type: ignore[arg-type]
    losses = Objective(b, vgg, options)(a)
    fa, fb = (vgg(expected(x), ("conv1_2",))["conv1_2"] for x in (a, b))  # type: ignore[operator]
    torch.testing.assert_close(losses[0, 2], (fa - fb).square().mean(), rtol=1e-3, atol=0)
    width = {"normalized": 0.5, "unit": 0.5, "signed": 1.0}[scale]
    torch.testing.assert_close(losses[0, 1], ((a - b) * width).square().mean(), rtol=1e-4, atol=0)


def test_weights_multiply_and_switch_off(vgg: Vgg16) -> None:
    a, b = images(1, 3, 16, 16), images(1, 3, 16, 16, seed=1)
    options = ObjectiveOptions(pixel_weight=3.0, layer_weights={"conv1_1": 2.0, "conv3_2": 0.5})
    total, pixel, conv1_1, conv3_2 = Objective(b, vgg, options)(a)[0]
    torch.testing.assert_close(total, 3 * pixel + 2 * conv1_1 + 0.5 * conv3_2)
    alone = Objective(b, vgg, ObjectiveOptions(pixel_weight=0.0, layer_weights={"conv3_2": 1.0}))(a)[0]
    assert len(alone) == 2
    torch.testing.assert_close(alone[1], conv3_2)


def test_a_picture_equal_to_its_target_has_no_loss(vgg: Vgg16) -> None:
    a = images(1, 3, 32, 32)
    assert Objective(a, vgg, ObjectiveOptions(style_weight=1.0))(a).abs().max() < 1e-3


def test_features_before_relu_are_compared_when_asked_for(vgg: Vgg16) -> None:
    a, b = images(1, 3, 16, 16), images(1, 3, 16, 16, seed=1)
    options = ObjectiveOptions(layer_weights={"conv1_1": 1.0})
    behind = Objective(b, vgg, options)(a)[0, 2]
    before = Objective(b, vgg, ObjectiveOptions(layer_weights={"conv1_1": 1.0}, after_relu=False))(a)[0, 2]
    assert before > behind


def test_vgg_looks_at_256_pixels_by_area_averaging() -> None:
    x = images(1, 3, 1024, 1024)
    torch.testing.assert_close(perceptual_size(x, ObjectiveOptions()), F.avg_pool2d(x, 4), rtol=1e-5, atol=1e-6)
    assert perceptual_size(x, ObjectiveOptions(perceptual_size=0)) is x
    for resize in ("area", "bilinear"):
        for size in (0, 4, 256):
            options = ObjectiveOptions(perceptual_size=size, resize=resize)
            assert perceptual_size(images(1, 3, 4, 16), options).shape[2] == 8
            assert perceptual_size(images(1, 3, 4, 4), options).shape == (1, 3, 8, 8)
    assert perceptual_size(images(1, 3, 384, 512), ObjectiveOptions()).shape == (1, 3, 192, 256)
    small = images(1, 3, 64, 64)
    assert perceptual_size(small, ObjectiveOptions()) is small


def test_area_filter_does_not_alias_and_the_plain_bilinear_one_does() -> None:
    checkerboard = torch.ones(1, 3, 1024, 1024)
    checkerboard[..., ::2, ::2] = checkerboard[..., 1::2, 1::2] = -1
    stripes = torch.ones(1, 3, 1024, 1024)
    stripes[..., ::4] = -1
    stripes[..., 3::4] = -1
    assert perceptual_size(checkerboard, ObjectiveOptions()).abs().max() < 1e-6
    assert perceptual_size(stripes, ObjectiveOptions()).abs().max() < 1e-6
    assert perceptual_size(stripes, ObjectiveOptions(resize="bilinear")).abs().max() > 0.9


def test_style_term_is_the_gram_distance_and_ignores_where_things_are(vgg: Vgg16) -> None:
    a, b = images(1, 3, 32, 32), images(1, 3, 32, 32, seed=1)
    options = ObjectiveOptions(pixel_weight=0.0, layer_weights={}, style_weight=2.0, style_layer="conv1_1")
    total, style = Objective(a, vgg, options, style_targets=b)(a)[0]

    def gram(x: Tensor) -> Tensor:
        rows: Tensor = vgg(to_255(x) - MEAN, ("conv1_1",))["conv1_1"][0].flatten(1)
        return rows @ rows.T / rows.shape[1]

    torch.testing.assert_close(style, (gram(a) - gram(b)).square().mean(), rtol=1e-3, atol=0)
    torch.testing.assert_close(total, 2 * style)
    flat = torch.full((1, 3, 32, 32), 0.3)
    flat[..., 4:12, 4:12] = -0.5
    moved = flat.roll((12, 12), (2, 3))
    same_style = Objective(flat, vgg, options)(moved)[0, 1]
    assert same_style < 1e-4 * float(style)


def test_the_gradient_agrees_with_finite_differences(vgg: Vgg16) -> None:
    # in double precision: float32 differences of sums of squares would drown in rounding
    a, b = images(1, 3, 8, 8).double(), images(1, 3, 8, 8, seed=1).double()
    objective = Objective(b, vgg.double(), ObjectiveOptions(input_scale="signed"))
    direction = images(1, 3, 8, 8, seed=2).double()
    x = a.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(x)[0, 1:].double().sum(), x)
    step = 1e-2
    ahead, behind = (objective(a + sign * step * direction)[0, 0].double() for sign in (1, -1))
    vgg.float()
    torch.testing.assert_close((gradient * direction).sum(), (ahead - behind) / (2 * step), rtol=2e-2, atol=0)
