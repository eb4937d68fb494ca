"""The folder of an embedded clip: a latent file a frame, and `clip.json`, which says what they belong to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from i2s_trt.arrays import WPlus
from i2s_trt.embedding.run.key import changed_settings
from i2s_trt.errors import LatentError
from i2s_trt.files import write_bytes
from i2s_trt.latents import Latent, read_latent
from i2s_trt.video.plan import FramePlan
from i2s_trt.video.read import ClipInfo

_FORMAT = "i2s-trt clip 1"
_NAME = "clip.json"


@dataclass(frozen=True)
class ClipRecord:
    """What `clip.json` holds.

    Attributes:
        source: the clip's path.
        info: of the clip.
        plan: of its frames.
        settings: that the plan was made with; a plan is reused only for the same ones.
        run: settings that the frames were embedded with.
    """

    source: str
    info: ClipInfo
    plan: FramePlan
    settings: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)

    def changes(self, info: ClipInfo, settings: Mapping[str, Any], run: Mapping[str, Any]) -> list[str]:
        """Where the wanted clip and settings differ from these, as `steps 200 -> 500`; empty for the same ones."""
        other = [] if self.info.digest == info.digest else ["another clip"]
        embedded = changed_settings(self.run, run) if self.run else ["settings that were not noted"]
        return other + changed_settings(self.settings, settings) + embedded


@dataclass(frozen=True)
class ClipFolder:
    """The folder of one clip."""

    path: Path

    def stem(self, frame: int) -> str:
        """The name of a frame's results."""
        return f"frame-{frame:05d}"

    def latent(self, frame: int) -> Path:
        """The latent file of a frame."""
        return self.path / f"{self.stem(frame)}.safetensors"

    def write(self, record: ClipRecord) -> None:
        """Write `clip.json`. Raises EnvironmentFault for a full disk."""
        info = {**vars(record.info), "rate": str(record.info.rate), "size": list(record.info.size)}
        document = {
            "format": _FORMAT, "source": record.source, "info": info, "plan": record.plan.to_json(),
            "settings": record.settings, "run": record.run,
        }  # fmt: skip
        write_bytes(self.path / _NAME, json.dumps(document).encode())

    def read(self) -> ClipRecord:
        """What `write` wrote. Raises LatentError when it is missing or damaged."""
        path = self.path / _NAME
        try:
            document = json.loads(path.read_text())
            if document["format"] != _FORMAT:
                raise ValueError("written by another version")
            info = document["info"]
            size = (int(info["size"][0]), int(info["size"][1]))
            read = ClipInfo(**{**info, "rate": Fraction(info["rate"]), "size": size})
            plan, run = FramePlan.from_json(document["plan"]), dict(document.get("run", {}))
            return ClipRecord(document["source"], read, plan, dict(document["settings"]), run)
        except OSError as error:
            raise LatentError(
                f"{self.path} is not the folder of an embedded clip", "make one with i2s-trt embed CLIP.mp4"
            ) from error
        except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
            raise LatentError(f"{path} is damaged ({error})", "embed the clip again") from error

    def latents(self) -> list[Latent]:
        """Latents of the frames that are done, in order; leftovers of a longer clip do not count.

        Raises:
            LatentError: the record or the first is missing, or one is damaged.
        """
        found: list[Latent] = []
        for frame in range(len(self.read().plan.quads)):
            if found and not self.latent(frame).exists():
                break
            found.append(read_latent(self.latent(frame)))
        return found


def stacked(latents: list[Latent]) -> WPlus:
    """w_plus float32 [T, L, D] of all frames."""
    return np.stack([latent.w_plus for latent in latents])
