"""VGG-16 from a file of somebody else's."""

from pathlib import Path

from i2s_trt.checkpoints.sources import SOURCES
from i2s_trt.checkpoints.torch_file import read_tensors, read_torch_file
from i2s_trt.errors import CheckpointError
from i2s_trt.files import file_digest
from i2s_trt.models.vgg import FeatureSource, Vgg16, weights_digest


def load_vgg16(path: Path) -> Vgg16:
    """Features from a file laid out as torchvision's ImageNet weights; only that very file is called so.

    A `.safetensors` file is read as such, any other as PyTorch's.

    Raises:
        CheckpointError: the file is not VGG-16's state dict.
    """
    try:
        state = read_tensors(path) if path.suffix.lower() == ".safetensors" else read_torch_file(path)
        vgg = Vgg16()
        wanted = vgg.state_dict().keys()
        vgg.load_state_dict({name: tensor for name, tensor in state.items() if name in wanted})
    except Exception as error:  # a broken or foreign file can raise anything
        reason = " ".join(str(error.args[0] if isinstance(error, CheckpointError) else error).split())[:200]
        raise CheckpointError(
            f"{path} does not hold VGG-16's weights ({reason})", "i2s-trt models pull vgg16"
        ) from error
    torchvisions = f"sha256:{file_digest(path)}" == SOURCES["vgg16"].digest
    vgg.source = FeatureSource(
        "VGG-16 trained on ImageNet (torchvision's)" if torchvisions else f"VGG-16 from {path.name}",
        weights_digest(vgg),
        "normalized" if torchvisions else "",
    )
    return vgg.eval().requires_grad_(False)
