"""Image2StyleGAN: embeds photographs into a StyleGAN's extended latent space W+ and edits them there.

The names below are the library's face; each is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.checkpoints.vgg import load_vgg16
    from i2s_trt.edit.latent_edits import expression_transfer, morph, style_transfer
    from i2s_trt.embedding.embed import Embedding, embed
    from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
    from i2s_trt.errors import I2sError
    from i2s_trt.images.decode import decode
    from i2s_trt.images.fit import fit_picture
    from i2s_trt.latents import Latent, read_latent, save_latent
    from i2s_trt.models.generator import Generator
    from i2s_trt.models.vgg import imagenet_vgg16, random_vgg16
    from i2s_trt.photographs.people import prepare_picture

__version__ = "0.2.0"

_HOMES = {
    "Embedding": "i2s_trt.embedding.embed",
    "EmbedOptions": "i2s_trt.embedding.options",
    "Generator": "i2s_trt.models.generator",
    "I2sError": "i2s_trt.errors",
    "Latent": "i2s_trt.latents",
    "ObjectiveOptions": "i2s_trt.embedding.options",
    "decode": "i2s_trt.images.decode",
    "embed": "i2s_trt.embedding.embed",
    "expression_transfer": "i2s_trt.edit.latent_edits",
    "fit_picture": "i2s_trt.images.fit",
    "imagenet_vgg16": "i2s_trt.models.vgg",
    "load_generator": "i2s_trt.checkpoints.store",
    "load_vgg16": "i2s_trt.checkpoints.vgg",
    "morph": "i2s_trt.edit.latent_edits",
    "prepare_picture": "i2s_trt.photographs.people",
    "random_vgg16": "i2s_trt.models.vgg",
    "read_latent": "i2s_trt.latents",
    "save_latent": "i2s_trt.latents",
    "style_transfer": "i2s_trt.edit.latent_edits",
}

__all__ = [
    "EmbedOptions", "Embedding", "Generator", "I2sError", "Latent", "ObjectiveOptions", "decode", "embed",
    "expression_transfer", "fit_picture", "imagenet_vgg16", "load_generator", "load_vgg16", "morph",
    "prepare_picture", "random_vgg16", "read_latent", "save_latent", "style_transfer",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'i2s_trt' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
