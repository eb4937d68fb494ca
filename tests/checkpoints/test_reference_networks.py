"""The two networks that the original code wrote and ran: the literal forward pass and the project's, against it."""

from collections.abc import Callable
from functools import cache

import pytest
import torch

from i2s_trt.checkpoints.read import read_checkpoint
from i2s_trt.models.generator import Generator
from tests.checkpoints.builders import load_trusted
from tests.checkpoints.reference_stylegan import LiteralStyleGAN
from tests.conftest import DATA, load_reference

NETWORKS = ("tiny32", "small128")
LAYERS = {4: ("4x4_Const", "4x4_Conv")} | {
    2**i: (f"{2**i}x{2**i}_Conv0_up", f"{2**i}x{2**i}_Conv1") for i in range(3, 8)
}


@cache
def literal(name: str) -> LiteralStyleGAN:
    return LiteralStyleGAN(*load_trusted(DATA / f"{name}.pkl"))


@cache
def ours(name: str) -> Generator:
    return Generator.from_weights(read_checkpoint(DATA / f"{name}.pkl").weights)


@pytest.mark.parametrize("network", [literal, ours])
@pytest.mark.parametrize("name", NETWORKS)
def test_w(name: str, network: Callable[[str], LiteralStyleGAN | Generator]) -> None:
    reference = load_reference(name)
    torch.testing.assert_close(network(name).mapping(reference["z"]), reference["w"], atol=2e-5, rtol=0)


@pytest.mark.parametrize("network", [literal, ours])
@pytest.mark.parametrize("name", NETWORKS)
def test_truncated_w_plus(name: str, network: Callable[[str], LiteralStyleGAN | Generator]) -> None:
    reference = load_reference(name)
    w_plus = network(name).truncate(reference["w"], 0.7, 8)
    torch.testing.assert_close(w_plus, reference["wplus_trunc_psi07_cut8"], atol=2e-5, rtol=0)


@pytest.mark.parametrize("network", [literal, ours])
@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_images(name: str, network: Callable[[str], LiteralStyleGAN | Generator]) -> None:
    reference = load_reference(name)
    for latents, images in (("wplus", "img_wplus"), ("wplus_trunc_psi07_cut8", "img_z_psi07_cut8")):
        expected = reference[images]
        actual = network(name).synthesis(reference[latents][: len(expected)])
        torch.testing.assert_close(actual, expected, atol=5e-5, rtol=0)


@pytest.mark.parametrize("network", [literal, ours])
@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_activations(name: str, network: Callable[[str], LiteralStyleGAN | Generator]) -> None:
    reference = load_reference(name)
    source = network(name)
    run = source.synthesis.activations if isinstance(source, Generator) else source.activations
    activations = list(run(reference["wplus"][:1]))
    names = [layer for pair in LAYERS.values() for layer in pair]
    checked = [key for key in reference if key.startswith("act_")]
    for key in checked:
        expected = reference[key]
        actual = activations[names.index(key.removeprefix("act_"))][:, : expected.shape[1]]
        torch.testing.assert_close(actual, expected, atol=2e-4, rtol=0)
    assert checked


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_8_bit_images(name: str) -> None:
    reference = load_reference(name)
    expected = reference["img_z_psi07_uint8_nhwc"].int()
    images = ours(name).synthesis(reference["wplus_trunc_psi07_cut8"][: len(expected)])
    levels = (images * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).int()
    difference = (levels - expected).abs()
    assert difference.max() <= 1
    assert difference.ne(0).float().mean() < 0.002


@pytest.mark.parametrize("name", NETWORKS)
def test_mean_latent_is_the_stored_one(name: str) -> None:
    assert torch.equal(ours(name).mean_w, load_reference(name)["dlatent_avg"])
