"""A generator: its weights in canonical form, and the module that runs them."""

import hashlib
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from i2s_trt.errors import ModelError
from i2s_trt.models.architectures import build_synthesis, run_time_tensors
from i2s_trt.models.mapping import Mapping
from i2s_trt.models.spec import GeneratorSpec


@dataclass(frozen=True)
class GeneratorWeights:
    """A generator as it is stored: the one form that every checkpoint is converted to.

    `tensors` holds effective weights under these names (L layers, C channels, D = w_dim):
    `mapping.dense.{i}.weight` [out, in] and `.bias`; of conditional models `mapping.label.weight` [E, labels], and
    `.bias` [E] of those that have one; `mean_w` [D]. Those of a StyleGAN1's synthesis network are
    `synthesis.const` [1, C, 4, 4]; `synthesis.layers.{i}.weight` [C, C_in, 3, 3] (from layer 1; applied after
    nearest-neighbour upsampling in layers 2, 4, ...), `.noise_weight` [C], `.bias` [C], `.style.weight` [2C, D],
    `.style.bias` [2C], `.noise` [1, 1, H, W]; `synthesis.to_rgb.{lod}.weight` [3, C, 1, 1] and `.bias`. Those of a
    StyleGAN2's are `synthesis.const` [1, C, 4, 4]; `synthesis.layers.{i}.weight` [C, C_in, 3, 3] for i from 0 to L - 2
    (transposed, with stride 2, in layers 1, 3, ...), `.noise_weight` [1], `.bias` [C], `.style.weight` [C_in, D],
    `.style.bias` [C_in], `.noise` [1, 1, H, W]; `synthesis.to_rgb.{block}.weight` [3, C, 1, 1], `.bias`,
    `.style.weight` [C, D] and `.style.bias`, block 0 being 4x4; `synthesis.skips.{block}.weight` [C, C_in, 1, 1] of
    residual blocks.
    """

    spec: GeneratorSpec
    tensors: MappingABC[str, Tensor]

    def digest(self) -> str:
        """sha256 over the spec and every tensor: the same for the same model, whatever file it came from.

        So long as the file can hold the whole model: `conv_clamp` is in pickles alone.
        """
        state = hashlib.sha256(self.spec.identity().encode())
        for name, tensor in sorted(self.tensors.items()):
            array = tensor.detach().contiguous().cpu()
            state.update(f"{name} {array.dtype} {tuple(array.shape)}".encode())
            state.update(array.numpy().tobytes())
        return state.hexdigest()


class Generator(nn.Module):
    """Mapping and synthesis with the mean latent: everything a picture needs.

    `generator.mapping(z)` and `generator.synthesis(w_plus)` are the two networks; `generator(w_plus)` renders
    and crops to the picture. `draws_faces` says whether photographs for it are aligned, and `origin` which model folder
    or file it comes from; whoever loads it knows.
    """

    mean_w: Tensor
    draws_faces: bool = False
    origin: Path | None = None

    def __init__(self, spec: GeneratorSpec, digest: str = "") -> None:
        super().__init__()
        self.spec = spec
        self.digest = digest
        self.mapping = Mapping(spec)
        self.synthesis = build_synthesis(spec)
        self.register_buffer("mean_w", torch.zeros(spec.w_dim))

    @classmethod
    def from_weights(cls, weights: GeneratorWeights) -> Self:
        """Build a frozen generator in evaluation mode.

        Raises:
            ModelError: a tensor is missing, left over or of the wrong shape.
        """
        generator = cls(weights.spec, weights.digest())
        try:
            generator.load_state_dict(run_time_tensors(weights.spec, weights.tensors))
        except RuntimeError as error:
            details = " ".join(str(error).split())
            raise ModelError(f"the weights do not fit the architecture: {details}") from error
        return generator.eval().requires_grad_(False)

    @property
    def resolution(self) -> int:
        """Pixels a side of the network output."""
        return self.spec.resolution

    @property
    def num_layers(self) -> int:
        """L, the rows of a w+ latent."""
        return self.spec.num_layers

    @property
    def z_dim(self) -> int:
        """Z, the size of a z latent."""
        return self.spec.z_dim

    @property
    def w_dim(self) -> int:
        """D, the size of a row of a w+ latent."""
        return self.spec.w_dim

    @property
    def mean_w_plus(self) -> Tensor:
        """The mean latent as [L, D]: the paper's w-bar (section 5.1)."""
        return self.mean_w.expand(self.num_layers, self.w_dim)

    def broadcast(self, w: Tensor) -> Tensor:
        """w [N, D] repeated for every layer, [N, L, D]; a w+ passes through."""
        return w if w.ndim == 3 else w.unsqueeze(1).expand(-1, self.num_layers, -1)

    def truncate(self, w: Tensor, psi: float = 0.7, cutoff: int = 8) -> Tensor:
        """The truncation trick: draw the first `cutoff` layers towards the mean latent.

        Args:
            w: [N, D] or [N, L, D].
            psi: 1 leaves w as it is, 0 gives the mean latent.
            cutoff: number of coarse layers affected.

        Returns:
            w_plus [N, L, D].
        """
        w_plus = self.broadcast(w)
        coarse = torch.arange(self.num_layers, device=w.device) < cutoff
        strength = torch.where(coarse, psi, 1.0).to(w.dtype).view(1, -1, 1)
        return self.mean_w_plus + (w_plus - self.mean_w_plus) * strength

    def forward(self, w_plus: Tensor) -> Tensor:
        """Render w_plus [N, L, D] to pictures [N, 3, H, W]: the synthesis output without bars around it."""
        return self.crop(self.synthesis(w_plus))

    def crop(self, images: Tensor) -> Tensor:
        """The picture's rows and columns of network output [N, 3, R, R]."""
        if self.spec.crop is not None:
            images = images[:, :, self.spec.window[0]]
        return images if self.spec.crop_columns is None else images[:, :, :, self.spec.window[1]]
