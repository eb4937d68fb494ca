"""The pictures of the model card: drawn and generated faces, edits, embeddings, morphs, crossovers, expressions."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from i2s_trt.files import make_folder, write_bytes
from i2s_trt.images.compose import sheet
from i2s_trt.images.fit import to_pixels
from i2s_trt.models.generator import Generator
from i2s_trt.training.directions import factor_directions
from i2s_trt.training.factors import INDEX, sample_latents, uniform_from_latents
from i2s_trt.training.portraits.render import render_uniform
from i2s_trt.training.study import Pictures, Study, transfer

EDITS = ("smile", "mouth_open", "eye_open", "gaze", "glasses", "beard", "hair_length", "age")
COLUMNS = 8


@torch.no_grad()
def pictures_of(generator: Generator, w_plus: Tensor) -> list[Pictures]:
    """W+ latents [N, L, D] (or w [N, D]) rendered to uint8 pictures."""
    return list(to_pixels(generator.synthesis(generator.broadcast(w_plus))))


def drawn_sheet(seed: int, size: int) -> Pictures:
    """Portraits as the renderer draws them."""
    drawn = list(render_uniform(uniform_from_latents(sample_latents(seed, 4 * COLUMNS)), size))
    return sheet([drawn[row : row + COLUMNS] for row in range(0, len(drawn), COLUMNS)])


@torch.no_grad()
def generated_sheet(generator: Generator, seed: int) -> Pictures:
    """Drawn faces above what the generator makes of the same latents, then samples with truncation."""
    latents = sample_latents(seed, 2 * COLUMNS, mixing=0.0)
    drawn = list(render_uniform(uniform_from_latents(latents), generator.resolution))
    w = generator.mapping(torch.from_numpy(latents[:, 0]))
    made = pictures_of(generator, w)
    calm = pictures_of(generator, generator.truncate(w[:COLUMNS], psi=0.7, cutoff=generator.num_layers))
    rows = [drawn[:COLUMNS], made[:COLUMNS], drawn[COLUMNS:], made[COLUMNS:], calm]
    return sheet(rows, row_labels=("drawn", "generated", "drawn", "generated", "psi 0.7"))


@torch.no_grad()
def edit_sheet(generator: Generator, seed: int) -> Pictures:
    """One factor a row: the drawn change, and the same change as a step in W, on one face."""
    directions, latents = factor_directions(generator, seed), sample_latents(seed + 3, 1, mixing=0.0)
    uniform = uniform_from_latents(latents)
    w = generator.mapping(torch.from_numpy(latents[:, 0]))
    rows = []
    for name in EDITS:
        values = np.linspace(-1.0, 1.0, 4, dtype=np.float32)
        changed = uniform.repeat(4, axis=0)
        changed[:, INDEX[name]] = values
        steps = torch.from_numpy(values - uniform[0, INDEX[name]]).unsqueeze(1)
        edited = pictures_of(generator, w + steps * directions[name])
        rows.append([*render_uniform(changed, generator.resolution), *edited])
    return sheet(rows, row_labels=EDITS)


def embedding_sheet(generator: Generator, targets: Sequence[Pictures], w_plus: Tensor) -> Pictures:
    """Targets above their embeddings."""
    return sheet([list(targets), pictures_of(generator, w_plus)], row_labels=("picture", "embedded"))


def morph_sheet(generator: Generator, w_plus: Tensor) -> Pictures:
    """Morphs from the first latent to each of the others, straight through W+."""
    ramp = torch.linspace(0.0, 1.0, COLUMNS).view(-1, 1, 1)
    return sheet([pictures_of(generator, torch.lerp(w_plus[0], other, ramp)) for other in w_plus[1:]])


def crossover_sheet(generator: Generator, w_plus: Tensor, from_layer: int) -> Pictures:
    """Rows give structure, columns give the layers from `from_layer` on: colour and light."""
    rows: list[list[Pictures | None]] = [[None, *pictures_of(generator, w_plus)]]
    for structure in w_plus:
        mixed = w_plus.clone()
        mixed[:, :from_layer] = structure[:from_layer]
        rows.append([pictures_of(generator, structure.unsqueeze(0))[0], *pictures_of(generator, mixed)])
    return sheet(rows)


def expression_sheet(generator: Generator, targets: Tensor, neutral: Tensor, expression: Tensor) -> Pictures:
    """The paper's expression transfer (threshold 1) onto each target at strengths -0.5 to 1.5."""
    strengths = (-0.5, 0.0, 0.5, 1.0, 1.5)
    pair = pictures_of(generator, torch.stack([neutral, expression]))
    rows: list[list[Pictures]] = [
        [*pair, *pictures_of(generator, torch.stack([transfer(t, neutral, expression, s) for s in strengths]))]
        for t in targets
    ]
    labels = ("neutral", "expression", *(f"{strength:g}" for strength in strengths))
    return sheet(rows, column_labels=labels)


def write_gallery(generator: Generator, study: Study, gentle: Study, folder: Path, seed: int) -> None:
    """Writes every sheet of the model card into `folder`, as JPEG; edits are made on the `gentle` embeddings."""
    shown = ["astronaut", "cat", "coffee", *study.renders[:3]]
    latents = {name: gentle.latent(name) for name in gentle.pictures}
    embedded = torch.stack([study.latent(name) for name in shown])
    neutral, expression = latents["neutral"], latents["expression"]
    render, other = study.renders[:2]

    def stack(*names: str) -> Tensor:
        return torch.stack([latents[name] for name in names])

    sheets = {
        "drawn": drawn_sheet(seed, generator.resolution),
        "generated": generated_sheet(generator, seed + 1),
        "edits": edit_sheet(generator, seed),
        "embeddings": embedding_sheet(generator, [study.pictures[name] for name in shown], embedded),
        "morphs": morph_sheet(generator, stack("astronaut", render, "cat")),
        "crossover": crossover_sheet(generator, stack("astronaut", render, other), generator.num_layers // 2),
        "expression": expression_sheet(generator, stack("astronaut", render), neutral, expression),
    }
    make_folder(folder)
    for name, pixels in sheets.items():
        write_bytes(folder / f"{name}.jpg", _jpeg(pixels))


def _jpeg(pixels: Pictures) -> bytes:
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
