"""Measures the built-in model's curvature and keeps it beside the weights, so that nobody else need measure it."""

from i2s_trt.checkpoints.store import load_generator
from i2s_trt.embedding.loss.bundled_curvature import write_bundled
from i2s_trt.embedding.loss.curvature import curvature_key, measured_curvature
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.models.vgg import imagenet_vgg16


def main() -> None:
    """`python -m i2s_trt.training.keep_curvature`: for the usual objective and the built-in features, on the CPU."""
    parts = load_generator(), imagenet_vgg16(), ObjectiveOptions()
    write_bundled(measured_curvature(*parts), curvature_key(*parts))


if __name__ == "__main__":
    main()
