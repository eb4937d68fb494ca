"""What a run consists of, for the head of its report and for `results.json`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Outcome, plain
from benchmarks.paper.study import Study
from i2s_trt import __version__
from i2s_trt.embedding.options import PAPER_STEPS
from i2s_trt.files import write_bytes

RESULTS = "results.json"


@dataclass(frozen=True)
class About:
    """A run's circumstances; `facts` are for people, by name."""

    model: str
    facts: dict[str, str]
    identity: dict[str, Any]


def describe_run(lab: Lab, model: str) -> About:
    """The circumstances of a lab's outcomes."""
    settings, spec = lab.settings, lab.generator.spec
    height, width = spec.picture_size
    pictures = ", ".join(f"{len(lab.collection.of(label))} {label}" for label in lab.collection.labels)
    facts = {
        "model": f"{model}, a {spec.family}, {width}x{height}, W+ of {spec.num_layers} x {spec.w_dim} "
        f"({lab.generator.digest[:12]})",
        "pictures": f"{pictures}; {lab.collection.origin}",
        "embedding": f"{settings.steps} steps of Adam at rate {settings.learning_rate:g}, VGG looking at "
        f"{settings.perceptual_size} pixels",
        "features": lab.vgg.source.name,
        "scale of w": f"samples of the model lie {lab.typical_distance:.3g} from the mean latent in W+ "
        f"({lab.length:.3g} in W)",
        "program": f"i2s-trt {__version__}",
    }
    if settings.steps < PAPER_STEPS:
        share = f"{settings.steps} steps instead of the paper's {PAPER_STEPS}"
        facts["mind"] = f"{share}: what is claimed of the end of the optimisation is judged on what these reach"
    return About(model, facts, lab.identity)


def write_results(folder: Path, about: About, outcomes: Sequence[tuple[Study, Outcome]]) -> None:
    """Everything as one JSON file. Raises EnvironmentFault for a full disk."""
    studies = [
        {
            "name": study.name,
            "title": study.title,
            "shows": list(study.shows),
            "claim": study.claim,
            "verdict": outcome.verdict,
            "reason": outcome.reason,
            "seconds": outcome.seconds,
            "findings": asdict(outcome.findings),
        }
        for study, outcome in outcomes
    ]
    document = {"format": 1, "model": about.model, "facts": about.facts, "identity": about.identity, "studies": studies}
    write_bytes(folder / RESULTS, json.dumps(plain(document), indent=1).encode())
