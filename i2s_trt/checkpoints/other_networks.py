"""Networks of other kinds, by what their pickles name: their plain classes are met before their tensors are."""

from i2s_trt.errors import CheckpointError

_HINT = "use a StyleGAN1 or StyleGAN2 checkpoint, for example: i2s-trt models pull ffhq"
# beginnings of the globals in a pickle, and whose they are
_FOREIGN = {
    "training.volumetric_rendering.": "an EG3D network, which renders from a camera",
    "training.triplane.": "an EG3D network, which renders from a camera",
    "training.superresolution.": "an EG3D network, which renders from a camera",
    "training.dual_discriminator.": "an EG3D network, which renders from a camera",
    "torch.nn.modules.sparse.Embedding": "a StyleGAN-XL network",
    "pg_modules.": "a network of Projected GAN or StyleGAN-XL",
    "feature_networks.": "a network of Projected GAN or StyleGAN-XL",
    "timm.": "a network of Projected GAN or StyleGAN-XL",
    "torch.nn.modules.": "a network with layers of PyTorch's own, which no StyleGAN generator has",
}


def refuse_foreign(name: str) -> None:
    """Raise CheckpointError, which says what it is, if a known other network needs a global of this name."""
    kind = next((kind for start, kind in _FOREIGN.items() if name.startswith(start)), "")
    if kind:
        raise CheckpointError(
            f"this is {kind} (it needs {name[:80]}); i2s-trt embeds into StyleGAN1 and StyleGAN2", _HINT
        )
