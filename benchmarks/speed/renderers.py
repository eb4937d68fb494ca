"""The renderers: every engine as a call that ends with 8-bit pictures in host memory."""

from typing import TYPE_CHECKING, cast

import numpy as np

from benchmarks.speed.clock import Work
from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from export.keys import Precision
    from i2s_trt.models.generator import Generator
    from i2s_trt.synthesizer import Synthesizer

STREAMED = 8  # engine batches in one call, so that copies and computing overlap
_STREAMED = " streamed"
_ENGINE_BATCHES = (1, 4, 8)


def make_renderer(renderer: str, precision: str, model: str, batch: int, device: str) -> Work:
    """A call that renders `batch` latents.

    Args:
        renderer: `torch`, `torch compiled`, `onnxruntime`, `tensorrt` or `tensorrt-rtx`; with ` streamed` behind it,
            it gets many batches in one call.
        precision: `fp32`, `fp16` or `bf16`.
        model: name or path.
        batch: of latents.
        device: where PyTorch computes.

    Raises:
        I2sError: the model is unknown, or the engine is not there and cannot be made.
    """
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.devices import choose_device

    generator = load_generator(model).to(choose_device(device))
    streamed = renderer.endswith(_STREAMED)
    render = _synthesizer(renderer.removesuffix(_STREAMED), cast("Precision", precision), generator)
    latents = random_latents(generator, batch * (STREAMED if streamed else 1))
    return lambda: render(latents)


def random_latents(generator: "Generator", count: int) -> WPlus:
    """w_plus float32 [N, L, D] around the mean latent."""
    random = np.random.default_rng(0)
    noise = random.standard_normal((count, generator.num_layers, generator.w_dim), dtype=np.float32)
    return np.ascontiguousarray(generator.mean_w.cpu().numpy() + noise * np.float32(0.3), np.float32)


def _synthesizer(engine: str, precision: "Precision", generator: "Generator") -> "Synthesizer | CompiledRenderer":
    from export.precision import generator_in
    from i2s_trt.synthesizer import TorchSynthesizer

    if engine == "torch":
        return TorchSynthesizer(generator_in(generator, precision))
    if engine == "torch compiled":
        return CompiledRenderer(generator_in(generator, precision))
    if engine == "onnxruntime":
        from engines.synthesizers import onnx_runtime_synthesizer

        return onnx_runtime_synthesizer(generator, precision)
    if engine in ("tensorrt", "tensorrt-rtx"):
        return _build(engine, precision, generator)
    raise UsageError(f"no engine named {engine}")


def _build(backend: str, precision: "Precision", generator: "Generator") -> "Synthesizer":
    """TensorRT's engine of a generator, built if there is none."""
    from engines.plan import EngineRequest, make
    from engines.profiles import BatchProfile
    from engines.synthesizers import tensorrt_synthesizer
    from export.source import GraphSource
    from i2s_trt.models.vgg import imagenet_vgg16

    source = GraphSource(lambda: generator, imagenet_vgg16, model_digest=generator.digest)
    make(EngineRequest(backend, "synthesis", precision, BatchProfile.of(_ENGINE_BATCHES)), source)
    return tensorrt_synthesizer(generator, backend, precision)


class CompiledRenderer:
    """torch.compile over the whole way from w+ to 8-bit pixels."""

    def __init__(self, generator: "Generator") -> None:
        import torch

        from export.graphs.synthesis import to_pixels

        self._device = generator.mean_w.device
        self._render = torch.compile(lambda w: to_pixels(generator.crop(generator.synthesis(w))), dynamic=False)

    def __call__(self, w_plus: WPlus) -> Pixels:
        """w_plus float32 [N, L, D] -> uint8 [N, H, W, 3]; on the CPU one by one, as PyTorch's own synthesizer."""
        import torch

        latents = torch.from_numpy(w_plus).to(self._device)
        size = 1 if self._device.type == "cpu" else len(latents)
        with torch.no_grad():
            parts = [self._render(part) for part in torch.split(latents, size)]
        return torch.cat(parts).cpu().numpy()
