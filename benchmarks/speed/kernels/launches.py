"""The launches of our GPU kernels as they would happen, recorded on tensors without data."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

_POINTERS = {torch.float32: "*fp32", torch.bfloat16: "*bf16", torch.float16: "*fp16"}
_ALIGNED = 16  # bytes of addresses, and the divisor of whole numbers that Triton compiles for
_NOT_A_MAP = "taps"  # whose argument is a stand-in where there is no blur
OPTIONS = ("num_warps", "maxnreg")


@dataclass(frozen=True)
class Variant:
    """What a kernel is compiled for; launches of one variant share their machine code.

    Attributes:
        kernel: name of the function in `i2s_trt.fused.gpu_kernels` or `gpu_modulated_kernels`.
        signature: each argument's name and type as Triton writes it; `constexpr` for constants.
        constants: values of the constants, by name.
        divisible: arguments that are divisible by 16.
        options: of the compiler.
    """

    kernel: str
    signature: tuple[tuple[str, str], ...]
    constants: tuple[tuple[str, int], ...]
    divisible: tuple[str, ...]
    options: tuple[tuple[str, int], ...]

    @property
    def warps(self) -> int:
        """Warps of a program."""
        return dict(self.options)["num_warps"]

    @property
    def label(self) -> str:
        """The kernel's name, with the blur where it has one."""
        return f"{self.kernel} with blur" if dict(self.constants).get("TAPS") else self.kernel

    @property
    def tile(self) -> str:
        """Numbers that a program has at a time, such as `16x64`."""
        constants = dict(self.constants)
        return f"{constants.get('TILES') or constants['COLUMNS']}x{constants['BLOCK']}"

    @property
    def precision(self) -> str:
        """Precision of the maps; partial sums are float32."""
        kinds = {kind for _, kind in self.signature}
        return next((name for name in ("bf16", "fp16") if f"*{name}" in kinds), "fp32")


@dataclass(frozen=True)
class Launch:
    """One launch.

    Attributes:
        variant: the machine code that runs.
        programs: how many.
        traffic: bytes read and written, each array once.
    """

    variant: Variant
    programs: int
    traffic: int


@contextmanager
def recorded_launches() -> Iterator[list[Launch]]:
    """Meanwhile kernels are noted down instead of launched; what they would write is left as it is."""
    from triton.runtime.jit import JITFunction

    launches: list[Launch] = []

    def record(function: Any, *arguments: Any, grid: tuple[int, ...], warmup: bool, **named: Any) -> None:  # noqa: ARG001
        options = {name: named.pop(name) for name in OPTIONS if name in named}
        values = dict(zip(function.arg_names, arguments, strict=False)) | named
        launches.append(_launch(function, grid, values, options))

    run = JITFunction.run
    JITFunction.run = record
    try:
        yield launches
    finally:
        JITFunction.run = run


def _launch(function: Any, grid: tuple[int, ...], values: Mapping[str, Any], options: Mapping[str, int]) -> Launch:
    general = {p.name for p in function.params if p.do_not_specialize}
    constants = {p.name for p in function.params if p.is_constexpr}
    constants |= {name for name, value in values.items() if name not in general and _is_one(value)}
    variant = Variant(
        function.__name__,
        tuple((name, "constexpr" if name in constants else _kind(value)) for name, value in values.items()),
        tuple((name, value) for name, value in values.items() if name in constants),
        tuple(name for name, value in values.items() if name not in constants | general and _is_divisible(value)),
        tuple(sorted(options.items())),
    )
    maps = [value for name, value in values.items() if isinstance(value, Tensor) and name != _NOT_A_MAP]
    return Launch(variant, math.prod(grid), sum(one.numel() * one.element_size() for one in maps))


def _is_one(value: Any) -> bool:
    """Whether Triton makes the value a constant."""
    return isinstance(value, int) and value == 1


def _kind(value: Tensor | float) -> str:
    if isinstance(value, Tensor):
        return _POINTERS[value.dtype]
    if isinstance(value, float):
        return "fp32"
    return "i32" if value < 2**31 else "i64"


def _is_divisible(value: Tensor | float) -> bool:
    """PyTorch's addresses are; sums of tiles and the like begin at them too."""
    return isinstance(value, Tensor) or (isinstance(value, int) and value % _ALIGNED == 0)
