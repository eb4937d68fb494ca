"""A video from one of the model's samples to another, rendered a frame at a time.

python examples/morph_seeds.py 3 8 morph.mp4
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from i2s_trt import load_generator
from i2s_trt.arrays import Pixels
from i2s_trt.edit.operations import morph
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.synthesizer import TorchSynthesizer
from i2s_trt.video.write import write_video


def main(first: int, last: int, output: Path, frames: int = 60) -> None:
    """Write the video into `output`, an .mp4 or a .gif."""
    generator = load_generator("demo")
    start, end = (w_plus_from_seed(generator, seed) for seed in (first, last))
    render = TorchSynthesizer(generator)

    def pictures() -> Iterator[Pixels]:
        for position in np.linspace(0, np.pi, frames):
            weight = 0.5 + 0.5 * float(np.cos(position))  # slow at both ends
            yield render(morph(start, end, weight)[None])[0]

    write_video(output, pictures(), rate=30)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
