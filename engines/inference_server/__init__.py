"""Model repositories for Triton Inference Server, NVIDIA's server of engines (not the GPU language of that name)."""
