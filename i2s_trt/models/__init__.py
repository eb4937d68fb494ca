"""Networks: StyleGAN1's mapping and synthesis, and the VGG-16 feature extractor."""
