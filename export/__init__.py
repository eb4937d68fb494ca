"""Turns PyTorch modules into verified ONNX graphs."""
