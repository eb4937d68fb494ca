"""The convolutions of VGG-16 that the perceptual loss can use, as plain data (Simonyan & Zisserman 2015)."""

# index in torchvision's `features`: (name, input channels, output channels); max pooling stands before 5, 10 and 17
CONVOLUTIONS = {
    0: ("conv1_1", 3, 64), 2: ("conv1_2", 64, 64), 5: ("conv2_1", 64, 128), 7: ("conv2_2", 128, 128),
    10: ("conv3_1", 128, 256), 12: ("conv3_2", 256, 256), 14: ("conv3_3", 256, 256),
    17: ("conv4_1", 256, 512), 19: ("conv4_2", 512, 512),
}  # fmt: skip
POOLED_BEFORE = (5, 10, 17)
# the layers of Eq. 2
TAPS = ("conv1_1", "conv1_2", "conv3_2", "conv4_2")
