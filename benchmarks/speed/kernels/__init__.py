"""GPU kernels compiled ahead of time, without a GPU: what they need, and what a step would take."""
