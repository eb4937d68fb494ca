"""How the GPU kernels of the layer epilogue divide a map among programs; plain numbers, without Triton or PyTorch."""

from dataclasses import dataclass
from typing import Any

_WARP = 32  # threads

# Eight elements a thread: one load of 16 bytes in 16 bits, two in 32. Programs of 128 threads with 96 registers each
# leave room for five on a multiprocessor, and compiled for sm_90 every kernel fits them without a stack frame.
_CHANNELS_AT_MOST = 64  # of a program: 128 bytes in 16 bits, one line of the cache
_ELEMENTS = 1024  # of a program at a time
_ELEMENTS_EACH = 8  # of a thread
_REGISTERS = 96  # of a thread at most
_ROWS_AT_MOST = 16  # that a program walks down; the blur reads two more
_PROGRAMS = 1024  # that there should be: five for each of some 130 multiprocessors, with a second helping

# Sums of tiles are few, and every program of theirs is waited for: many threads, each with a few numbers.
_TABLE_CHANNELS = 16
_TABLE_TILES = (16, 512)  # at a time; few sizes, so that little has to be compiled
_TABLE_ELEMENTS_EACH = 16


@dataclass(frozen=True)
class Tiling:
    """How a map [N, C, H, W] is divided.

    Attributes:
        images, channels, height, width: of the map.
        columns, block: pixels of a row and channels that a program has at a time.
        rows: that a program walks down.
    """

    images: int
    channels: int
    height: int
    width: int
    columns: int
    block: int
    rows: int

    @classmethod
    def of(cls, images: int, channels: int, height: int, width: int) -> "Tiling":
        """The tiling of a map: rows enough to keep a program at work, few enough to keep the GPU busy."""
        block = min(_CHANNELS_AT_MOST, power_of_two(channels))
        columns = min(_ELEMENTS // block, power_of_two(width))
        strips = -(-width // columns) * -(-channels // block) * images
        rows = 1
        while rows < min(_ROWS_AT_MOST, height) and strips * height >= 2 * rows * _PROGRAMS:
            rows *= 2
        return cls(images, channels, height, width, columns, block, rows)

    @property
    def tiles(self) -> int:
        """Tiles of an image for one block of channels."""
        return -(-self.width // self.columns) * -(-self.height // self.rows)

    @property
    def grid(self) -> tuple[int, int, int]:
        """Programs: tiles, blocks of channels, images."""
        return self.tiles, -(-self.channels // self.block), self.images

    @property
    def sides(self) -> tuple[int, int, int, int]:
        """The kernels' arguments rows, height, width and channels."""
        return self.rows, self.height, self.width, self.channels

    @property
    def tile(self) -> dict[str, Any]:
        """The kernels' constants, and how they are compiled."""
        warps = max(1, self.columns * self.block // (_ELEMENTS_EACH * _WARP))
        return {"COLUMNS": self.columns, "BLOCK": self.block, "num_warps": warps, "maxnreg": _REGISTERS}

    @property
    def table_grid(self) -> tuple[int, int]:
        """Programs that add up tiles: blocks of channels, images."""
        return table_grid(self.channels, self.images)

    @property
    def table(self) -> dict[str, int]:
        """The constants of the kernels that add up tiles, and how they are compiled."""
        tiles = next((tiles for tiles in _TABLE_TILES if tiles >= self.tiles), _TABLE_TILES[-1])
        warps = max(1, tiles * _TABLE_CHANNELS // (_TABLE_ELEMENTS_EACH * _WARP))
        return {"TILES": tiles, "BLOCK": _TABLE_CHANNELS, "num_warps": warps}


def table_grid(channels: int, images: int) -> tuple[int, int]:
    """Programs that add up a table of so many channels: blocks of channels, images."""
    return -(-channels // _TABLE_CHANNELS), images


def power_of_two(least: int) -> int:
    """The smallest power of two that is not below `least`."""
    return 1 << (least - 1).bit_length()
