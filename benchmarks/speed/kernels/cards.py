"""GPUs by compute capability: what a multiprocessor holds, and what cards of it do in a second, from NVIDIA's pages."""

from dataclasses import dataclass

_REGISTERS = 65_536  # of a multiprocessor
_GRAIN = 8  # registers of a thread are given out in eights
_RESERVED = 1024  # bytes of shared memory that the system takes of each program, from compute capability 8 on


@dataclass(frozen=True)
class Architecture:
    """A multiprocessor.

    Attributes:
        capability: such as 90.
        warps, programs: that are resident at most.
        shared: bytes of shared memory.
        bfloat16: whether it computes with them.
    """

    capability: int
    warps: int
    programs: int
    shared: int
    bfloat16: bool = True

    @property
    def name(self) -> str:
        """Name as in a build target, such as `sm90`."""
        return f"sm{self.capability}"

    def occupancy(self, registers: int, shared: int, warps: int) -> float:
        """Part of the resident warps that a kernel allows, 0 to 1.

        Args:
            registers: of a thread.
            shared: bytes of a program.
            warps: of a program.
        """
        rounded = -(-registers // _GRAIN) * _GRAIN
        by_registers = _REGISTERS // (rounded * 32 * warps)
        by_shared = self.shared // (shared + _RESERVED) if shared else self.programs
        programs = min(self.programs, self.warps // warps, by_registers, by_shared)
        return programs * warps / self.warps


ARCHITECTURES = tuple(
    Architecture(*values)
    for values in (
        (75, 32, 16, 64 << 10, False), (80, 64, 32, 164 << 10), (86, 48, 16, 100 << 10), (89, 48, 24, 100 << 10),
        (90, 64, 32, 228 << 10), (100, 64, 32, 228 << 10), (120, 48, 24, 100 << 10),
    )
)  # fmt: skip


@dataclass(frozen=True)
class Card:
    """A GPU.

    Attributes:
        name: short.
        capability: compute capability, such as 90.
        gigabytes: that its memory moves in a second, in 10^9.
        teraflops: 10^12 operations a second of dense products, by precision.
    """

    name: str
    capability: int
    gigabytes: float
    teraflops: dict[str, float]


def _rates(fp32: float, tf32: float, bf16: float) -> dict[str, float]:
    return {"fp32": fp32, "tf32": tf32, "bf16": bf16, "fp16": bf16}


CARDS = (
    Card("T4", 75, 320, _rates(8.1, 8.1, 65)),
    Card("A100", 80, 2039, _rates(19.5, 156, 312)),
    Card("RTX 3090", 86, 936, _rates(35.6, 35.6, 71)),
    Card("RTX 4090", 89, 1008, _rates(82.6, 82.6, 165)),
    Card("H100", 90, 3350, _rates(67, 494, 989)),
    Card("H200", 90, 4800, _rates(67, 494, 989)),
    Card("B200", 100, 8000, _rates(75, 1100, 2250)),
    Card("RTX 5090", 120, 1792, _rates(105, 105, 210)),
)
