"""Builds and runs forward graphs: ONNX Runtime, TensorRT and TensorRT-RTX."""
