"""Measures the built-in model's curvatures and keeps them beside its weights, so that nobody else need measure them."""

from i2s_trt.checkpoints.store import load_generator
from i2s_trt.embedding.loss.bundled_curvature import write_bundled
from i2s_trt.embedding.loss.curvature import curvature_key, measured_curvature
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.models.vgg import imagenet_vgg16

OBJECTIVES = ObjectiveOptions(), ObjectiveOptions(perceptual_size=64)  # the usual one, and the demo's


def main() -> None:
    """`python -m i2s_trt.training.keep_curvature`: with the built-in features, on the CPU."""
    parts = load_generator(), imagenet_vgg16()
    write_bundled({curvature_key(*parts, one): measured_curvature(*parts, one) for one in OBJECTIVES})


if __name__ == "__main__":
    main()
