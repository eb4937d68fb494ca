"""Convolutions and whole layers with frozen weights, against autograd through the ordinary ones."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2s_trt.errors import UsageError
from i2s_trt.fused.convolution import convolution, upsampling_backward
from i2s_trt.fused.cpu import Native
from i2s_trt.fused.epilogue import Formula, LayerConstants
from i2s_trt.fused.layer import styled_layer
from i2s_trt.models.layers import upsampling_convolution
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.models.stylegan1 import SynthesisLayer
from tests.fused.maps import distance

SPEC = GeneratorSpec(16, 8, 8, (6, 5, 4), (8,))


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("bias", [False, True])
def test_a_frozen_convolution_has_the_same_gradient(size: int, bias: bool) -> None:
    x = torch.randn(2, 3, 7, 9, requires_grad=True)
    weight, offset = torch.randn(4, 3, size, size), torch.randn(4) if bias else None
    ours, wanted = convolution(x, weight, offset), F.conv2d(x, weight, offset, padding=size // 2)
    assert torch.equal(ours, wanted)
    back = torch.randn_like(wanted)
    (a,), (b,) = torch.autograd.grad(ours, x, back), torch.autograd.grad(wanted, x, back)
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_it_keeps_no_activation() -> None:
    x = torch.randn(1, 3, 8, 8, requires_grad=True)
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    weight = torch.randn(4, 3, 3, 3)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        convolution(x, weight)
    assert [tuple(t.shape) for t in kept] == [tuple(weight.shape)]


def test_the_gradient_of_upsampling() -> None:
    x, kernel = torch.randn(2, 3, 5, 4, requires_grad=True), torch.randn(3, 6, 4, 4)
    out = upsampling_convolution(x, kernel)
    back = torch.randn_like(out)
    (wanted,) = torch.autograd.grad(out, x, back)
    torch.testing.assert_close(upsampling_backward(back, kernel), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("index", range(6))
@pytest.mark.parametrize("images", [1, 2])
def test_a_frozen_layer_is_the_layer(index: int, images: int) -> None:
    torch.manual_seed(index)
    layer = SynthesisLayer(SPEC, index)
    for tensor in (*layer.parameters(), layer.noise):
        nn.init.normal_(tensor, std=0.3)
    layer.requires_grad_(False)
    size = SPEC.layer_resolution(index) // (2 if layer.upsamples else 1)
    channels = SPEC.layer_channels(max(0, index - 1))
    x, w = torch.randn(images, channels, size, size, requires_grad=True), torch.randn(images, 8, requires_grad=True)
    wanted = layer(x, w, layer.noise)
    back = torch.randn_like(wanted)
    gradients = torch.autograd.grad(wanted, (x, w), back)
    constants = LayerConstants(layer.weight, layer.upsamples, layer.blur_kernel, layer.negative_slope)
    for epilogue in (Formula(), Native()):
        offset = epilogue.offset(layer.noise, layer.noise_weight, layer.bias)
        ours = styled_layer(x, layer.style(w), offset, constants, epilogue)
        assert distance(ours, wanted) < 1e-5
        for one, other in zip(torch.autograd.grad(ours, (x, w), back), gradients, strict=True):
            assert distance(one, other) < 1e-4


def test_a_layer_keeps_one_map() -> None:
    x, style = torch.randn(1, 4, 8, 8, requires_grad=True), torch.randn(1, 12, requires_grad=True)
    constants = LayerConstants(torch.randn(6, 4, 3, 3), False, None, 0.2)
    offset = Native().offset(torch.randn(1, 1, 8, 8), torch.randn(6), torch.randn(6))
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        styled_layer(x, style, offset, constants, Native())
    assert [tuple(t.shape) for t in kept if t.ndim == 4] == [(1, 6, 8, 8)]


def test_layer_0_leaves_the_constant_alone() -> None:
    x = torch.randn(1, 6, 4, 4)
    before = x.clone()
    offset = Native().offset(torch.randn(1, 1, 4, 4), torch.randn(6), torch.randn(6))
    styled_layer(x.expand(2, -1, -1, -1), torch.randn(2, 12), offset, LayerConstants(None, False, None, 0.2), Native())
    assert torch.equal(x, before)


@pytest.mark.parametrize("square", [True, False])
def test_a_layers_second_derivative_is_an_error_and_not_a_wrong_number(square: bool) -> None:
    x, style = torch.randn(1, 4, 8, 8, requires_grad=True), torch.randn(1, 12, requires_grad=True)
    constants = LayerConstants(torch.randn(6, 4, 3, 3), False, None, 0.2)
    offset = Formula().offset(torch.randn(1, 1, 8, 8), torch.randn(6), torch.randn(6))
    out = styled_layer(x, style, offset, constants, Formula())
    loss = (out.square() if square else out).sum() + style.square().sum()
    with pytest.raises(UsageError, match="method plain"):
        torch.autograd.grad(loss, style, create_graph=True)


def test_a_frozen_convolution_has_the_right_second_derivative() -> None:
    x, weight = torch.randn(1, 2, 4, 5, dtype=torch.double, requires_grad=True), torch.randn(3, 2, 3, 3).double()
    assert torch.autograd.gradgradcheck(lambda x: convolution(x, weight).square(), x)
