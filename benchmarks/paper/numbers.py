"""The numbers that the paper gives: losses in units of 10^5, distances ||w* - w-bar|| (Tables 1 to 3)."""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Figures:
    """Loss (Eq. 1) after optimisation, and distance to the mean latent."""

    loss: float
    distance: float


PAPER_UNIT = 1e5  # of the losses
STANDARD = "not changed"

TABLE_1 = MappingProxyType({
    "translated right": Figures(0.782, 48.56),
    "translated left": Figures(0.406, 44.12),
    "zoomed out": Figures(0.225, 38.04),
    "zoomed in": Figures(0.718, 40.55),
    "rotated by 90°": Figures(0.622, 47.21),
    "rotated by 180°": Figures(0.599, 42.93),
})  # fmt: skip
TABLE_2 = MappingProxyType({
    "faces": {"mean": Figures(0.309, 30.67), "random": Figures(0.351, 35.60)},
    "cats": {"mean": Figures(0.752, 70.86), "random": Figures(0.740, 70.97)},
    "dogs": {"mean": Figures(0.922, 74.78), "random": Figures(0.845, 75.14)},
    "paintings": {"mean": Figures(3.530, 103.61), "random": Figures(3.451, 105.29)},
    "cars": {"mean": Figures(1.390, 82.53), "random": Figures(1.269, 82.60)},
})  # fmt: skip
TABLE_3 = MappingProxyType({
    STANDARD: Figures(0.204, 29.19),
    "no eyes": Figures(0.271, 34.90),
    "no nose": Figures(0.311, 39.20),
    "no mouth": Figures(0.301, 37.04),
    "no eyes, no mouth": Figures(0.233, 39.62),
    "no eyes, nose, mouth": Figures(0.285, 37.59),
})  # fmt: skip
FACE_STANDARD = TABLE_2["faces"]["mean"]  # beside Table 1, which has no row for the face as it is
CONVERGED_AFTER = MappingProxyType({"faces": 1000, "cats": 3000, "dogs": 3000, "cars": 3000, "paintings": 5000})
"""Steps until the loss converges, about, by class (section 5.3)."""
