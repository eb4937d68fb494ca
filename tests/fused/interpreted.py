"""Compares the Triton kernels with the formulas in float32; a program, since Triton decides at import how it runs.

`TRITON_INTERPRET=1 python -m tests.fused.interpreted small cpu` interprets them: every shape in float32 and two of them
in 16 bits; `large` takes the others in 16 bits, and larger maps. With `cuda` they run on a GPU. Prints one JSON line a
case: the distances of every result.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import torch

from i2s_trt.fused import tiling
from i2s_trt.fused.epilogue import Epilogue, Formula
from i2s_trt.fused.gpu import TritonEpilogue
from tests.fused.maps import Case, distance, random_case

CASES: tuple[tuple[tuple[int, int, int, int], tuple[float, ...], bool], ...] = (
    ((1, 16, 32, 32), (), False),
    ((2, 24, 8, 16), (1.0, 2.0, 1.0), True),
    ((1, 80, 4, 4), (1.0, 4.0, 3.0), False),  # not symmetric: a mirrored filter would show; exact in 16 bits
    ((2, 7, 5, 3), (), True),
    ((1, 3, 26, 24), (1.0, 2.0, 1.0), False),  # several tiles
    ((1, 5, 9, 9), (1.0, 4.0, 6.0, 4.0, 2.0), False),  # a filter that is not theirs
)
LARGE: tuple[tuple[tuple[int, int, int, int], tuple[float, ...], bool], ...] = (
    ((1, 3, 96, 96), (1.0, 2.0, 1.0), False),
    ((2, 72, 9, 20), (1.0, 4.0, 3.0), True),  # tiles, blocks and strips that are not full
)

C = TypeVar("C")
_NARROW = 2  # cases that are quickly interpreted in 16 bits too


def main(size: str, device: str) -> None:
    """Compare what belongs to a size."""
    let_numpy_count()
    tiling._PROGRAMS = 4  # so that programs walk down several rows of these small maps
    for (shape, taps, own_noise), dtype in chosen(size, CASES, LARGE):
        case = _on(device, random_case(shape, dtype=dtype, taps=taps, own_noise=own_noise))
        ours, wanted = _results(TritonEpilogue(), case), _results(Formula(), _in_float32(case))
        apart = {name: distance(ours[name], wanted[name]) for name in wanted}
        print(json.dumps({"shape": shape, "dtype": str(dtype), "apart": apart}))


def chosen(size: str, cases: Sequence[C], large: Sequence[C]) -> Iterator[tuple[C, torch.dtype]]:
    """What is compared, and in which precision: between `small` and `large`, every case in each."""
    narrow = (torch.bfloat16, torch.float16)
    if size == "small":
        yield from ((case, torch.float32) for case in cases)
        yield from ((case, dtype) for case in cases[:_NARROW] for dtype in narrow)
    else:
        yield from ((case, dtype) for case in cases[_NARROW:] for dtype in narrow)
        yield from ((case, dtype) for case in large for dtype in (torch.float32, *narrow))


def _results(epilogue: Epilogue, case: Case) -> dict[str, torch.Tensor]:
    offset = epilogue.offset(case.noise, case.noise_weight, case.bias)
    out, kept = epilogue.forward(case.x.clone(), offset, case.scale, case.shift, case.layer)
    dx, d_scale, d_shift = epilogue.backward(case.gradient, kept, case.scale, case.layer)
    return {"out": out, **kept._asdict(), "dx": dx, "d_scale": d_scale, "d_shift": d_shift}


def _in_float32(case: Case) -> Case:
    """The same numbers in a format that rounds them no more."""
    kernel = case.layer.blur_kernel
    layer = replace(case.layer, blur_kernel=None if kernel is None else kernel.float())
    tensors: dict[str, Any] = {k: v.float() for k, v in vars(case).items() if isinstance(v, torch.Tensor)}
    return replace(case, **tensors, layer=layer)


def _on(device: str, case: Case) -> Case:
    moved: dict[str, Any] = {k: v.to(device) for k, v in vars(case).items() if isinstance(v, torch.Tensor)}
    kernel = case.layer.blur_kernel
    return replace(case, **moved, layer=replace(case.layer, blur_kernel=None if kernel is None else kernel.to(device)))


def let_numpy_count() -> None:
    """Triton 3.6's interpreter makes loop bounds with `int(array)`, which NumPy 2.4 refuses for arrays with a side."""
    from triton.runtime import interpreter

    patch = interpreter._patch_lang_tensor

    def patched(tensor: Any, scope: Any) -> None:
        patch(tensor, scope)
        scope.set_attr(tensor, "__index__", lambda self: int(self.handle.data.item()))

    interpreter._patch_lang_tensor = patched


if __name__ == "__main__":
    main(*sys.argv[1:])
