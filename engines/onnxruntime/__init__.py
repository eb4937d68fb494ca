"""ONNX Runtime: graphs run on a CPU or through its providers on a GPU."""
