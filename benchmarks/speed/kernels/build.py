"""Compiles kernels for GPUs that are not here, and reads from the machine code what it needs."""

import re
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

from benchmarks.speed.kernels.cards import Architecture
from benchmarks.speed.kernels.launches import Variant
from i2s_trt.errors import EnvironmentFault

_REGISTERS, _STACK = 0x2F, 0x11  # attributes of the section .nv.info: EIATTR_REGCOUNT and EIATTR_FRAME_SIZE
_SIZED = 4  # the form of an attribute that is followed by its bytes
_HEAD_SECTIONS, _HEAD_COUNTS = 40, 58  # where an ELF file's header says where its sections are, and how many
_GLOBAL_LOAD = re.compile(r"\bld\.global(?:\.\w+(?:::\w+)?)*?(?:\.v(\d))?\.b(\d+)\b")


@dataclass(frozen=True)
class Build:
    """What a kernel's machine code needs.

    Attributes:
        registers: of a thread.
        stack: bytes of a thread's stack frame: memory traffic that nobody asked for.
        shared: bytes of a program's shared memory.
        code: bytes.
        loads: load instructions by their width in bytes.
    """

    registers: int
    stack: int
    shared: int
    code: int
    loads: Mapping[int, int]

    @property
    def widest(self) -> int:
        """Bytes of the widest load."""
        return max(self.loads)

    @property
    def wide_part(self) -> float:
        """Part of the loaded bytes, 0 to 1, that the widest loads bring."""
        return self.loads[self.widest] * self.widest / sum(width * count for width, count in self.loads.items())


def require_triton() -> None:
    """Raises EnvironmentFault when it is not installed."""
    if find_spec("triton") is None:
        raise EnvironmentFault("Triton is not installed", "pip install 'i2s-trt[kernels]' (Linux only)")


@cache
def build(variant: Variant, architecture: Architecture) -> Build:
    """What a kernel needs on a GPU. Raises EnvironmentFault when Triton is not installed, or does not take it."""
    made = compiled(variant, architecture)
    found = read_cubin(made.asm["cubin"])
    return Build(found["registers"], found["stack"], made.metadata.shared, found["code"], load_widths(made.asm["ptx"]))


def compiled(variant: Variant, architecture: Architecture) -> Any:
    """Triton's compiled kernel, with `asm["cubin"]` and `asm["ptx"]`. Raises as `build` does."""
    require_triton()
    from triton import compile as compile_kernel
    from triton.backends.compiler import GPUTarget

    target = GPUTarget("cuda", architecture.capability, 32)
    try:
        return compile_kernel(_source(variant), target=target, options=dict(variant.options))
    except Exception as error:  # compilers fail in many ways
        reason = " ".join(str(error).split())[:200]
        raise EnvironmentFault(
            f"Triton does not compile {variant.label} for {architecture.name}: {reason}",
            "take another version of Triton; docs/benchmarks.md names the one that was tried",
        ) from error


def _source(variant: Variant) -> Any:
    from triton.compiler import ASTSource

    from i2s_trt.fused import gpu_kernels, gpu_modulated_kernels

    home = gpu_kernels if hasattr(gpu_kernels, variant.kernel) else gpu_modulated_kernels
    order = [name for name, _ in variant.signature]
    return ASTSource(
        fn=getattr(home, variant.kernel),
        signature=dict(variant.signature),
        constexprs={(order.index(name),): value for name, value in variant.constants},
        attrs={(order.index(name),): [["tt.divisibility", 16]] for name in variant.divisible},
    )


def read_cubin(cubin: bytes) -> dict[str, int]:
    """Registers and bytes of stack of a thread, and bytes of code, from an ELF file for a GPU that holds one kernel."""
    found = {"registers": 0, "stack": 0, "code": 0}
    for name, content in _sections(cubin):
        if name.startswith(".text"):
            found["code"] += len(content)
        if name == ".nv.info":
            found |= dict(_attributes(content))
    return found


def _sections(elf: bytes) -> Iterator[tuple[str, bytes]]:
    (table,) = struct.unpack_from("<Q", elf, _HEAD_SECTIONS)
    size, count, names_at = struct.unpack_from("<HHH", elf, _HEAD_COUNTS)
    heads = [struct.unpack_from("<IIQQQQIIQQ", elf, table + i * size) for i in range(count)]
    names = elf[heads[names_at][4] :]
    for head in heads:
        name = names[head[0] : names.index(b"\0", head[0])].decode()
        yield name, elf[head[4] : head[4] + head[5]]


def _attributes(info: bytes) -> Iterator[tuple[str, int]]:
    at = 0
    while at < len(info):
        form, attribute, length = struct.unpack_from("<BBH", info, at)
        if form == _SIZED and attribute in (_REGISTERS, _STACK):
            _, value = struct.unpack_from("<II", info, at + 4)  # of which function, and how much
            yield ("registers" if attribute == _REGISTERS else "stack"), value
        at += 4 + (length if form == _SIZED else 0)


def load_widths(ptx: str) -> dict[int, int]:
    """How many loads from memory there are of each width in bytes."""
    widths = (int(lanes or 1) * int(bits) // 8 for lanes, bits in _GLOBAL_LOAD.findall(ptx))
    return dict(Counter(widths))
