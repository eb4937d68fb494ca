"""How far a picture is from the one that was embedded."""

import torch

from benchmarks.metrics import mean_square, psnr, ssim
from benchmarks.speed.quality.identity import Recogniser, likeness
from benchmarks.speed.quality.subjects import Subject
from benchmarks.speed.schema import Axis
from i2s_trt.arithmetic import arithmetic
from i2s_trt.arrays import Pixels
from i2s_trt.embedding.loss.objective import Objective
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.images.fit import to_target
from i2s_trt.models.vgg import Vgg16

PICTURE: tuple[Axis, ...] = ("features", "mse", "psnr", "ssim")
IDENTITY: Axis = "identity"


class Yardsticks:
    """Compares pictures, as they would be saved, with one subject.

    `features` is Eq. 2 with VGG-16 trained on ImageNet: what embedding minimises, beside the pixels, so that it is no
    independent witness. `mse` is the mean square over pixels in [-1, 1], minimised too, and `psnr` follows from it;
    `ssim` and `identity` are minimised by nothing here. Identity is the cosine of a recogniser's vectors of the face
    where it is in the subject, aligned in both pictures by the subject's own landmarks.

    Args:
        subject: what was embedded.
        vgg: trained features, on the device to use.
        recogniser: of faces; None for no identity.

    Attributes:
        columns: what a comparison gives, in this order.
    """

    def __init__(self, subject: Subject, vgg: Vgg16, recogniser: Recogniser | None) -> None:
        self._subject, self._recogniser = subject, recogniser
        self._device = next(iter(vgg.state_dict().values())).device
        self._objective = Objective(self._tensor(subject.picture), vgg, ObjectiveOptions(pixel_weight=0.0))
        face = subject.face(subject.picture) if recogniser else None
        self._vector = recogniser(face) if recogniser and face is not None else None
        self.columns: tuple[Axis, ...] = (*PICTURE, *((IDENTITY,) if self._vector is not None else ()))

    def __call__(self, picture: Pixels) -> tuple[float, ...]:
        """The figures of a picture uint8 [H, W, 3]."""
        target = self._subject.picture
        with torch.no_grad(), arithmetic("fp32"):
            features = float(self._objective(self._tensor(picture))[0, 0])
        error = mean_square(picture, target) / 127.5**2
        return features, error, psnr(picture, target), ssim(picture, target), *self._identity(picture)

    def _identity(self, picture: Pixels) -> tuple[float, ...]:
        face = self._subject.face(picture)
        if self._vector is None or self._recogniser is None or face is None:
            return ()
        return (likeness(self._vector, self._recogniser(face)),)

    def _tensor(self, picture: Pixels) -> torch.Tensor:
        return to_target(picture)[None].to(self._device)
