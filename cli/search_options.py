"""The options of the search for a latent: from where, by which steps, in which space, and what follows it."""

from typing import Annotated

import typer

from i2s_trt.embedding.options import FAST_STEPS, PAPER_STEPS

Steps = Annotated[
    int | None, typer.Option(min=0, help=f"Evaluations; {PAPER_STEPS} as in the paper, {FAST_STEPS} for fast.")
]
Schedule = Annotated[
    str, typer.Option(help="paper: Adam at a constant rate. fast: L-BFGS, knowing the model's curvature.")
]
Start = Annotated[
    str,
    typer.Option(help="mean, random, encoder (the one of the model), or a latent file to start from."),
]
Space = Annotated[str, typer.Option(help="w+, w or z.")]
LearningRate = Annotated[float, typer.Option(help="Of Adam.")]
Noise = Annotated[
    str, typer.Option(help="stored, resampled at each step, optimised with the latent, or the seed of other maps.")
]
Label = Annotated[int | None, typer.Option(min=0, help="Class of a conditional model, with --space z.")]
Plateau = Annotated[int, typer.Option(min=0, help="Stop after so many steps (50 or more) without progress; 0 never.")]
Batch = Annotated[int, typer.Option(min=1, help="Pictures embedded together; changes no result.")]
Fit = Annotated[str, typer.Option(help="crop cuts a photograph to the model's proportions, pad adds bars.")]
Precision = Annotated[
    str,
    typer.Option(
        help="fp32, tf32, bf16 or fp16 of the networks; auto measures which is fastest here, so that results may "
        "differ from machine to machine."
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Keep what is finished, go on with what is not.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="With --resume: embed anew what was made with other settings.")
]
Tune = Annotated[
    int, typer.Option(min=0, help="Steps that fit the generator itself to each photograph; 0 none, 150 are plenty.")
]
