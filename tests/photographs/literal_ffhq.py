"""FFHQ's alignment as its recreation script has it, step by step, written apart from the program's own code."""

from typing import Any

import numpy as np
import scipy.ndimage
from PIL import Image


def quad_of(points: Any) -> tuple[Any, float]:
    """Steps 1 and 2: from 68 landmarks to the quad and its size."""
    lm = np.array(points, np.float64)
    eye_left, eye_right = np.mean(lm[36:42], axis=0), np.mean(lm[42:48], axis=0)
    eye_avg = (eye_left + eye_right) * 0.5
    eye_to_eye = eye_right - eye_left
    mouth_avg = (lm[48] + lm[54]) * 0.5
    eye_to_mouth = mouth_avg - eye_avg
    x = eye_to_eye - np.flipud(eye_to_mouth) * [-1, 1]
    x = x / np.hypot(*x)
    x = x * max(np.hypot(*eye_to_eye) * 2.0, np.hypot(*eye_to_mouth) * 1.8)
    y = np.flipud(x) * [-1, 1]
    c = eye_avg + eye_to_mouth * 0.1
    return np.stack([c - x - y, c - x + y, c + x + y, c + x - y]), float(np.hypot(*x) * 2)


def shrunk(img: Image.Image, quad: Any, qsize: float, output: int) -> tuple[Image.Image, Any, float]:
    """Step 3a."""
    shrink = int(np.floor(qsize / output * 0.5))
    if shrink > 1:
        size = (int(np.rint(float(img.size[0]) / shrink)), int(np.rint(float(img.size[1]) / shrink)))
        return img.resize(size, Image.Resampling.LANCZOS), quad / shrink, qsize / shrink
    return img, quad, qsize


def cropped(img: Image.Image, quad: Any, qsize: float) -> tuple[Image.Image, Any]:
    """Step 3b."""
    border = max(int(np.rint(qsize * 0.1)), 3)
    left, top = int(np.floor(min(quad[:, 0]))), int(np.floor(min(quad[:, 1])))
    right, bottom = int(np.ceil(max(quad[:, 0]))), int(np.ceil(max(quad[:, 1])))
    box = (
        max(left - border, 0), max(top - border, 0),
        min(right + border, img.size[0]), min(bottom + border, img.size[1]),
    )  # fmt: skip
    if box[2] - box[0] < img.size[0] or box[3] - box[1] < img.size[1]:
        return img.crop(box), quad - np.array(box[0:2])
    return img, quad


def padded(picture: Image.Image, quad: Any, qsize: float) -> tuple[Image.Image, Any]:
    """Steps 4 and 5."""
    border = max(int(np.rint(qsize * 0.1)), 3)
    left, top = int(np.floor(min(quad[:, 0]))), int(np.floor(min(quad[:, 1])))
    right, bottom = int(np.ceil(max(quad[:, 0]))), int(np.ceil(max(quad[:, 1])))
    pad = np.array(
        [
            max(-left + border, 0), max(-top + border, 0),
            max(right - picture.size[0] + border, 0), max(bottom - picture.size[1] + border, 0),
        ]
    )  # fmt: skip
    if max(pad) <= border - 4:
        return picture, quad
    pad = np.maximum(pad, int(np.rint(qsize * 0.3)))
    img: Any = np.asarray(picture, np.float32)
    img = np.pad(img, ((pad[1], pad[3]), (pad[0], pad[2]), (0, 0)), "reflect")
    h, w, _ = img.shape
    y, x, _ = np.ogrid[:h, :w, :1]
    mask = np.maximum(
        1.0 - np.minimum(np.float32(x) / pad[0], np.float32(w - 1 - x) / pad[2]),
        1.0 - np.minimum(np.float32(y) / pad[1], np.float32(h - 1 - y) / pad[3]),
    )
    blur = qsize * 0.02
    img += (scipy.ndimage.gaussian_filter(img, [blur, blur, 0]) - img) * np.clip(mask * 3.0 + 1.0, 0.0, 1.0)
    img += (np.median(img, axis=(0, 1)) - img) * np.clip(mask, 0.0, 1.0)
    return Image.fromarray(np.uint8(np.clip(np.rint(img), 0, 255))), quad + pad[:2]


def warped(img: Image.Image, quad: Any, output: int) -> Image.Image:
    """Step 6."""
    corners = (quad + 0.5).flatten()
    img = img.transform((4096, 4096), Image.Transform.QUAD, list(corners), Image.Resampling.BILINEAR)
    return img.resize((output, output), Image.Resampling.LANCZOS)


def aligned(pixels: Any, points: Any, output: int) -> Any:
    """All steps."""
    quad, qsize = quad_of(points)
    img, quad, qsize = shrunk(Image.fromarray(pixels), quad, qsize, output)
    img, quad = cropped(img, quad, qsize)
    img, quad = padded(img, quad, qsize)
    return np.array(warped(img, quad, output))
