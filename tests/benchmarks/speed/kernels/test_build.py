"""Kernels compiled ahead of time: what their machine code needs is within bounds, and read as by NVIDIA's tool."""

import re
import subprocess
from pathlib import Path

import pytest

from benchmarks.speed.kernels.build import Build, build, compiled, load_widths, read_cubin
from benchmarks.speed.kernels.cards import ARCHITECTURES, CARDS, Architecture
from benchmarks.speed.kernels.launches import Variant
from benchmarks.speed.suites.kernels import step_launches
from i2s_trt.errors import EnvironmentFault
from tests.fused.test_gpu import needs_triton

SM90 = next(one for one in ARCHITECTURES if one.capability == 90)
_SCALARS = 11  # loads that are narrow by nature: nine taps, and the noise of a pixel or two


def variants(precision: str) -> list[Variant]:
    return list(dict.fromkeys(launch.variant for launch in step_launches("random-1024", precision)))


def columns(variant: Variant) -> int:
    return dict(variant.constants).get("COLUMNS", 16)


def check(variant: Variant, made: Build) -> None:
    told = (variant.label, variant.tile, variant.precision, made)
    assert made.stack == 0, told
    assert made.registers <= 96 or "TILES" in dict(variant.constants), told
    assert made.registers <= 128, told
    assert made.widest == 16, told
    if columns(variant) >= 16:  # smaller maps than 16 x 16 have other worries
        narrow = sum(count for width, count in made.loads.items() if width < 16)
        assert narrow <= _SCALARS, told


@needs_triton
def test_no_kernel_of_a_step_at_1024_needs_a_stack_or_too_many_registers() -> None:
    for variant in variants("bf16"):
        made = build(variant, SM90)
        check(variant, made)
        if columns(variant) >= 16 and "TILES" not in dict(variant.constants):
            assert SM90.occupancy(made.registers, made.shared, variant.warps) >= 0.25, variant.label


@needs_triton
@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda one: one.name)
def test_the_largest_kernels_keep_to_it_on_every_gpu(architecture: Architecture) -> None:
    largest = [one for one in variants("bf16" if architecture.bfloat16 else "fp16") if one.label.endswith("with blur")]
    chosen = {one.kernel: one for one in largest if columns(one) == 16}
    assert set(chosen) == {"activate", "differentiate"}
    for variant in chosen.values():
        check(variant, build(variant, architecture))


@needs_triton
def test_the_kernels_of_a_stylegan2_keep_to_the_same_bounds() -> None:
    found = list(dict.fromkeys(launch.variant for launch in step_launches("random-1024-sg2", "bf16")))
    kernels = {
        "filter_modulated", "activate_modulated", "differentiate_modulated", "modulate_backward", "add_up_modulated",
        "colours", "colours_backward",
    }  # fmt: skip
    assert {one.kernel for one in found} == kernels
    largest = {one.kernel: one for one in found if columns(one) == 16}
    assert set(largest) == kernels
    for variant in largest.values():
        check(variant, build(variant, SM90))


@needs_triton
def test_registers_and_stack_are_those_that_nvidias_tool_reads(tmp_path: Path) -> None:
    import triton

    variant = next(one for one in variants("bf16") if one.label == "differentiate with blur" and columns(one) == 16)
    squeezed = Variant(
        **{**vars(variant), "options": (("maxnreg", 48), ("num_warps", 4))}
    )  # leaves nothing but a stack
    path = tmp_path / "kernel.cubin"
    path.write_bytes(compiled(squeezed, SM90).asm["cubin"])
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    if not tool.is_file():
        pytest.skip("this Triton brings no cuobjdump")
    told = subprocess.run([tool, "--dump-resource-usage", path], check=True, capture_output=True, text=True).stdout
    (registers,), (stack,) = re.findall(r"REG:(\d+)", told), re.findall(r"STACK:(\d+)", told)
    found = read_cubin(path.read_bytes())
    assert (found["registers"], found["stack"]) == (int(registers), int(stack))
    assert found["stack"] > 0
    assert found["code"] > 1000


def test_widths_of_loads() -> None:
    ptx = """
    ld.global.v4.b32 {%r1, %r2, %r3, %r4}, [ %rd1 + 0 ];
    @%p1 ld.global.L1::evict_last.v2.b32 { %r5, %r6 }, [ %rd2 + 0 ];
    ld.global.b16 { %rs1 }, [ %rd3 + 0 ];
    ld.shared.b32 %r7, [%r8];
    ld.global.v4.b32 {%r1, %r2, %r3, %r4}, [ %rd1 + 16 ];
    """
    assert load_widths(ptx) == {16: 2, 8: 1, 2: 1}
    assert Build(1, 0, 0, 1, {16: 2, 8: 1, 2: 4}).wide_part == 32 / 48


def test_occupancy() -> None:
    assert SM90.occupancy(32, 0, 4) == 1.0
    assert SM90.occupancy(128, 0, 4) == 0.25
    assert SM90.occupancy(127, 0, 4) == 0.25  # registers are given out in eights
    assert SM90.occupancy(96, 0, 4) == 20 / 64
    assert SM90.occupancy(32, 100 << 10, 4) == 8 / 64  # two programs' shared memory
    assert ARCHITECTURES[0].occupancy(32, 0, 1) == 16 / 32  # no more than sixteen programs


def test_every_card_has_an_architecture() -> None:
    assert {card.capability for card in CARDS} == {one.capability for one in ARCHITECTURES}
    assert all(card.teraflops["fp32"] <= card.teraflops["bf16"] for card in CARDS)


@needs_triton
def test_a_kernel_that_triton_does_not_take_is_an_error_that_says_so() -> None:
    variant = Variant("modulate", (("y", "*fp32"),), (), (), (("num_warps", 4),))
    with pytest.raises(EnvironmentFault, match="Triton does not compile modulate for sm90"):
        build(variant, SM90)
