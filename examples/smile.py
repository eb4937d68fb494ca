"""Embed a photograph, and make it smile as a drawn face does.

python examples/smile.py photo.png smiling.png
"""

import sys
from pathlib import Path

from i2s_trt import EmbedOptions, ObjectiveOptions, embed, load_generator, prepare_picture
from i2s_trt.edit.operations import expression_transfer
from i2s_trt.images.compose import write_png
from i2s_trt.synthesizer import TorchSynthesizer
from i2s_trt.training.study import expression_pair


def main(photo: Path, output: Path, steps: int = 160, strength: float = 0.6) -> None:
    """Write the photograph's picture with a smile into `output`."""
    generator = load_generator("demo")
    solemn, smiling = expression_pair(seed=5020, size=generator.resolution)
    pictures = [prepare_picture(photo, generator).pixels, solemn, smiling]
    # the prior keeps latents where edits do what they do to the model's own samples
    options = EmbedOptions(steps=steps, schedule="fast", objective=ObjectiveOptions(prior_weight=3.0))
    target, neutral, expression = (result.latent.w_plus for result in embed(generator, pictures, options))
    edited = expression_transfer(target, neutral, expression, strength)
    write_png(output, TorchSynthesizer(generator)(edited[None])[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
