"""A GPU as the TensorRT runtime needs it: memory, copies, streams and graphs, through PyTorch or through pycuda."""
