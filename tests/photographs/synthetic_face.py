"""68 landmarks of a face that nobody has, placed where a test wants it."""

from typing import Any

import numpy as np


def landmarks68(centre: tuple[float, float], eye_distance: float, degrees: float = 0.0, mouth: float = 1.05) -> Any:
    """Landmarks [68, 2]: lids of six points, and mouth corners `mouth` eye distances below the eyes."""
    points = np.zeros((68, 2))
    lids = np.array([[-0.15, 0], [-0.07, -0.06], [0.07, -0.06], [0.15, 0], [0.07, 0.06], [-0.07, 0.06]])
    points[36:42], points[42:48] = lids - np.array([0.5, 0]), lids + np.array([0.5, 0])
    points[48], points[54] = [-0.4, mouth], [0.4, mouth]
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ turn.T * eye_distance + np.array(centre)
