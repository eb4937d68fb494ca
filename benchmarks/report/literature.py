"""What others report of inversion: on other machines, other pictures and other models; only to be set beside.

GANInverter's README (https://github.com/caopulan/GANInverter): 2,824 test pictures of CelebA-HQ, StyleGAN2 on FFHQ,
RTX 3090, one picture at a time. Mean squares are over pixels in [-1, 1] at 256 pixels a side, identity is that of
CurricularFace.
"""

from dataclasses import dataclass

from benchmarks.report.numbers import Number, Text


@dataclass(frozen=True)
class Reported:
    """One method, as it is reported.

    Attributes:
        name: of the method.
        changes: what it finds or changes for a picture.
        mse: mean square over pixels in [-1, 1].
        identity: cosine of a face recogniser's vectors.
        seconds: for a picture; None where none are given.
    """

    name: str
    changes: str
    mse: float
    identity: float
    seconds: float | None = None

    @property
    def origin(self) -> str:
        """Where its numbers come from, without a space."""
        return f"literature:{self.name.replace(' ', '-')}"

    def text(self, field: str) -> Text:
        """`name` or `changes`, with its origin."""
        return Text(str(getattr(self, field)), self.origin)

    def number(self, field: str, unit: str) -> Number | None:
        """`mse`, `identity` or `seconds`; None where it is not given."""
        value = getattr(self, field)
        return None if value is None else Number(value, unit, (f"{self.origin}.{field}",))


_ENCODER, _OWN_WEIGHTS = "an encoder’s latent", "latent and generator"
REPORTED = (
    Reported("optimisation in W+", "the latent", 0.0242, 0.77),
    Reported("pSp", _ENCODER, 0.0345, 0.56, 0.041),
    Reported("e4e", _ENCODER, 0.0472, 0.50, 0.042),
    Reported("ReStyle-e4e", _ENCODER, 0.0428, 0.51, 0.150),
    Reported("HFGI", "an encoder’s latent and feature maps", 0.0210, 0.68, 0.067),
    Reported("HyperStyle", "an encoder’s latent and generator", 0.0219, 0.74, 0.162),
    Reported("PTI", _OWN_WEIGHTS, 0.0082, 0.85, 59),
    Reported("DHR + LSAP", "latent, generator and feature maps", 0.0034, 0.88, 12),
)
