"""TensorRT and TensorRT-RTX: plans built from ONNX graphs, and run on a GPU."""
