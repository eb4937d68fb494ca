"""StyleGAN1's forward pass, word for word from its description, on raw TensorFlow variables and nothing folded.

Independent of the project's generator, to hold it against networks of other architectures than the reference data.
Source: Karras, Laine, Aila 2019, section 2 and appendix C.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


class LiteralStyleGAN:
    """Raw variables (`mapping/...`, `synthesis/...`) and the keyword arguments they were trained with."""

    def __init__(self, variables: dict[str, Any], options: dict[str, Any]) -> None:
        self.variables = {name: torch.as_tensor(value) for name, value in variables.items()}
        self.options = options
        self.num_layers = sum(1 for name in variables if name.endswith("/StyleMod/bias"))
        self.resolution_log2 = self.num_layers // 2 + 1

    def weight(self, name: str, gain: float, lrmul: float = 1.0) -> Tensor:
        """A weight times its run-time coefficient."""
        raw = self.variables[name]
        if not self.options.get("use_wscale", True):
            return raw * lrmul
        fan_in = math.prod(raw.shape[:-1])
        return raw * (gain / math.sqrt(fan_in) * lrmul)

    def activate(self, x: Tensor) -> Tensor:
        slope = {"lrelu": 0.2, "relu": 0.0}[self.options.get("nonlinearity", "lrelu")]
        return torch.maximum(x, slope * x)

    def mapping(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """z [N, Z] -> w [N, D]."""
        x = z
        if labels is not None:
            x = torch.cat([x, labels @ self.variables["mapping/LabelConcat/weight"]], dim=1)
        if self.options.get("normalize_latents", True):
            x = x * torch.rsqrt((x**2).mean(dim=1, keepdim=True) + 1e-8)
        lrmul = self.options.get("mapping_lrmul", 0.01)
        layer = 0
        while f"mapping/Dense{layer}/weight" in self.variables:
            x = x @ self.weight(f"mapping/Dense{layer}/weight", math.sqrt(2), lrmul)
            x = self.activate(x + self.variables[f"mapping/Dense{layer}/bias"] * lrmul)
            layer += 1
        return x

    def truncate(self, w: Tensor, psi: float, cutoff: int) -> Tensor:
        """w [N, D] -> w+ [N, L, D], drawn to the mean in the first layers."""
        mean = self.variables["dlatent_avg"]
        rows = [mean + (w - mean) * (psi if layer < cutoff else 1.0) for layer in range(self.num_layers)]
        return torch.stack(rows, dim=1)

    def activations(self, w_plus: Tensor) -> Iterator[Tensor]:
        """The output of each styled layer."""
        x = self.variables["synthesis/4x4/Const/const"].tile(len(w_plus), 1, 1, 1)
        x = self._epilogue(x, "4x4/Const", 0, w_plus)
        yield x
        x = self._epilogue(self._convolve(x, "4x4/Conv"), "4x4/Conv", 1, w_plus)
        yield x
        for log2 in range(3, self.resolution_log2 + 1):
            size = f"{2**log2}x{2**log2}"
            x = self._blur(self._upscale(x, f"{size}/Conv0_up"))
            x = self._epilogue(x, f"{size}/Conv0_up", 2 * log2 - 4, w_plus)
            yield x
            x = self._epilogue(self._convolve(x, f"{size}/Conv1"), f"{size}/Conv1", 2 * log2 - 3, w_plus)
            yield x

    def synthesis(self, w_plus: Tensor) -> Tensor:
        """w+ [N, L, D] -> images [N, 3, R, R], in the original's "linear" structure."""
        blocks = list(self.activations(w_plus))[1::2]
        if self.options.get("structure") == "fixed":
            return self._to_rgb(blocks[-1], 0)
        lod_in = float(self.variables["synthesis/lod"])
        image = self._to_rgb(blocks[0], len(blocks) - 1)
        for stage, x in enumerate(blocks[1:], start=1):
            lod = len(blocks) - 1 - stage
            coarse = image.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
            share = min(max(lod_in - lod, 0.0), 1.0)
            image = self._to_rgb(x, lod) * (1 - share) + coarse * share
        return image

    def _to_rgb(self, x: Tensor, lod: int) -> Tensor:
        weight = self.weight(f"synthesis/ToRGB_lod{lod}/weight", 1.0).permute(3, 2, 0, 1)
        return F.conv2d(x, weight, self.variables[f"synthesis/ToRGB_lod{lod}/bias"])

    def _convolve(self, x: Tensor, prefix: str) -> Tensor:
        return F.conv2d(x, self.weight(f"synthesis/{prefix}/weight", math.sqrt(2)).permute(3, 2, 0, 1), padding=1)

    def _upscale(self, x: Tensor, prefix: str) -> Tensor:
        fused = self.options.get("fused_scale", "auto")
        fused = 2 * x.shape[2] >= 128 if fused == "auto" else fused
        if not fused:
            return self._convolve(x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3), prefix)
        padded = F.pad(self.weight(f"synthesis/{prefix}/weight", math.sqrt(2)), (0, 0, 0, 0, 1, 1, 1, 1))  # HWIO
        kernel = padded[1:, 1:] + padded[:-1, 1:] + padded[1:, :-1] + padded[:-1, :-1]
        return F.conv_transpose2d(x, kernel.permute(2, 3, 0, 1), stride=2, padding=1)

    def _blur(self, x: Tensor) -> Tensor:
        taps = self.options.get("blur_filter", [1, 2, 1])
        if not taps:
            return x
        kernel = torch.outer(torch.tensor(taps), torch.tensor(taps)).float()
        kernel = (kernel / kernel.sum())[None, None]
        return torch.cat(
            [F.conv2d(map_, kernel, padding=len(taps) // 2) for map_ in torch.unbind(x[:, :, None], dim=1)], dim=1
        )

    def _epilogue(self, x: Tensor, prefix: str, layer: int, w_plus: Tensor) -> Tensor:
        prefix = f"synthesis/{prefix}"
        if self.options.get("use_noise", True):
            x = x + self.variables[f"synthesis/noise{layer}"] * self.variables[f"{prefix}/Noise/weight"][:, None, None]
        x = self.activate(x + self.variables[f"{prefix}/bias"][:, None, None])
        x = x - x.mean(dim=(2, 3), keepdim=True)
        x = x * torch.rsqrt((x**2).mean(dim=(2, 3), keepdim=True) + 1e-8)
        style = (
            w_plus[:, layer] @ self.weight(f"{prefix}/StyleMod/weight", 1.0) + self.variables[f"{prefix}/StyleMod/bias"]
        )
        style = style.reshape(-1, 2, x.shape[1], 1, 1)
        return x * (style[:, 0] + 1) + style[:, 1]
