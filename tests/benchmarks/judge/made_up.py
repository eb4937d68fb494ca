"""Verdicts nobody gave, and a Node that is none."""

import sys
from pathlib import Path
from typing import Any

from benchmarks.judge.node import needed_modules
from benchmarks.judge.verdicts import Reading, Verdict

_OTHERS = ("neutral", "sad", "angry", "fearful", "disgusted", "surprised")

# answers with the mean colour of each picture, as a judge that looks at the files would
FAKE_NODE = f"""#!{sys.executable}
import json, sys
import numpy as np
from PIL import Image
verdicts = {{}}
for name, path in json.load(sys.stdin)["pictures"].items():
    mean = float(np.asarray(Image.open(path).convert("RGB"), float).mean()) / 255
    reading = {{"descriptor": [mean] + 127 * [0.0], "expressions": {{"happy": mean, "sad": 1 - mean}}}}
    found = {{"detected": True, "detector": "ssd", "score": 0.9, "box": [0.2, 0.3, 0.6, 0.6]}}
    verdicts[name] = {{**reading, **found, "fixed": reading}}
print(json.dumps({{"versions": {{"node": "none"}}, "verdicts": verdicts}}))
"""


def reading(place: float, happy: float = 0.5) -> Reading:
    """One whose descriptor lies at a place of a line."""
    return Reading((place, *[0.0] * 127), _expressions(happy))


def verdict(place: float, happy: float = 0.5, *, detected: bool = True) -> Verdict:
    """One whose fixed cut-out says the same."""
    fixed, score = reading(place, happy), 0.9 if detected else 0.0
    box = (0.2, 0.3, 0.6, 0.6) if detected else None
    return Verdict(fixed.descriptor, fixed.expressions, detected, "ssd" if detected else "", score, box, fixed)


def answer(**verdicts: Verdict) -> dict[str, Any]:
    """As the script writes it."""
    plain = {
        name: {**vars(given), "descriptor": list(given.descriptor), "fixed": dict(vars(given.fixed))}
        for name, given in verdicts.items()
    }
    return {"versions": {"node": "20"}, "verdicts": plain}


def install_modules(folder: Path, **other: str) -> Path:
    """Their manifests alone, some of other versions."""
    for name, version in (needed_modules() | other).items():
        manifest = folder / "node_modules" / name / "package.json"
        manifest.parent.mkdir(parents=True)
        manifest.write_text(f'{{"version": "{version}"}}')
    return folder


def install_node(folder: Path, script: str = FAKE_NODE) -> Path:
    """A program of that name; returns its folder."""
    folder.mkdir()
    (folder / "node").write_text(script)
    (folder / "node").chmod(0o755)
    return folder


def _expressions(happy: float) -> dict[str, float]:
    return {"happy": happy, **{name: (1 - happy) / len(_OTHERS) for name in _OTHERS}}
