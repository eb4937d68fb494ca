"""How a run moves: Adam as in the paper, or L-BFGS, image by image, as operations or as one CUDA graph."""
