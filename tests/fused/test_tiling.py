"""How the GPU kernels divide a map: everything is covered once, and there is work for everyone."""

from hypothesis import given
from hypothesis import strategies as st

from i2s_trt.fused.tiling import Tiling, power_of_two

SIDES = st.integers(1, 1100)


@given(images=st.integers(1, 9), channels=st.integers(1, 600), height=SIDES, width=SIDES)
def test_tiles_cover_a_map_and_no_more_than_they_must(images: int, channels: int, height: int, width: int) -> None:
    tiling = Tiling.of(images, channels, height, width)
    across = -(-width // tiling.columns)
    down = -(-height // tiling.rows)
    assert tiling.tiles == across * down
    assert (across - 1) * tiling.columns < width
    assert (down - 1) * tiling.rows < height
    assert tiling.grid == (across * down, -(-channels // tiling.block), images)
    assert tiling.table_grid[0] * tiling.table["BLOCK"] >= channels


@given(images=st.integers(1, 9), channels=st.integers(1, 600), height=SIDES, width=SIDES)
def test_a_thread_has_eight_numbers_where_a_map_has_them(images: int, channels: int, height: int, width: int) -> None:
    tile = Tiling.of(images, channels, height, width).tile
    elements = tile["COLUMNS"] * tile["BLOCK"]
    assert elements == power_of_two(elements) <= 1024
    assert elements // (32 * tile["num_warps"]) == min(8, elements // 32)


def test_a_large_map_is_walked_and_keeps_the_gpu_busy() -> None:
    tiling = Tiling.of(1, 16, 1024, 1024)
    assert (tiling.columns, tiling.block, tiling.rows) == (64, 16, 16)
    assert tiling.grid == (16 * 64, 1, 1)
    assert Tiling.of(8, 16, 1024, 1024).rows == 16


def test_a_small_map_is_not_walked_but_shared_out() -> None:
    assert Tiling.of(1, 512, 4, 4).rows == 1
    assert Tiling.of(1, 512, 4, 4).grid == (4, 8, 1)


def test_sums_of_tiles_are_compiled_for_two_sizes_only() -> None:
    tables = {Tiling.of(1, 512 // side, side, side).table["TILES"] for side in (4, 8, 16, 32, 64, 128, 256)}
    assert tables == {16, 512}
