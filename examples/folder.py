"""Embed every photograph of a folder with one embedder, and say how each step goes.

python examples/folder.py photographs latents
"""

import sys
from pathlib import Path

from i2s_trt import EmbedOptions, I2sError, load_generator, prepare_picture, save_latent
from i2s_trt.embedding.embed import EmbedProblem, EmbedProgress, optimise
from i2s_trt.embedding.embedder import Embedder


def main(folder: Path, output: Path, steps: int = 100) -> None:
    """Write NAME.safetensors into `output` for each picture that is not there yet."""
    output.mkdir(parents=True, exist_ok=True)
    embedder = Embedder(load_generator("demo"), EmbedOptions(steps=steps))  # what depends on the model is made once

    def show(progress: EmbedProgress) -> None:
        print(f"\r{progress.steps[0]} of {progress.of}, loss {progress.losses[0]:,.0f}", end="", flush=True)

    for path in sorted(folder.iterdir()):
        target = output / f"{path.stem}.safetensors"
        if target.exists():
            continue
        try:
            problem = EmbedProblem(embedder, [prepare_picture(path, embedder.generator).pixels])
        except I2sError as error:  # no picture, or no face in it
            print(f"{path.name}: {error}")
            continue
        state = problem.start()
        seconds = optimise(problem, state, show)
        (result,) = problem.finish(state, seconds)
        save_latent(target, result.latent)
        print(f"\r{path.name}: loss {result.latent.losses['total']:,.0f} in {seconds:.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
