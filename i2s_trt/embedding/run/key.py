"""What a result was made with, and in what two runs differ, in a user's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from i2s_trt.latents import Latent

_ANOTHER = {
    "model": "another model",
    "image": "another picture, or another part of it",
    "features": "other features",
    "style": "another style picture",
}
_WORDS = {"init": "start", "init_digest": "latent or encoder to start from", "after_relu": "features behind the relu"}
_DIGEST_SHOWN = 12
_MOST_SHOWN = 120  # characters


@dataclass(frozen=True)
class RunKey:
    """What must be the same for a result to be kept, and for an unfinished run to be gone on with.

    Attributes:
        model, image, features: digests of model, fitted picture and feature network.
        options: `EmbedOptions.to_json()`.
        style: digest of the style picture; empty where none is used.
    """

    model: str
    image: str
    options: Mapping[str, Any]
    features: str
    style: str = ""

    @classmethod
    def of(cls, latent: Latent) -> "RunKey":
        """The key of the run that made a latent, as its file has it."""
        extra = latent.extra
        features, style = extra.get("features_digest", ""), extra.get("style_digest", "")
        return cls(latent.model_digest, latent.image_digest, latent.options, features, style)

    def changes(self, wanted: "RunKey") -> list[str]:
        """Where the wanted run differs from this one, as `steps 200 -> 500`; empty for the same run."""
        others = [words for name, words in _ANOTHER.items() if getattr(self, name) != getattr(wanted, name)]
        return others + changed_settings(self.options, wanted.options)


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two sets of settings, as `steps 200 -> 500`; those of the objective among the others."""
    old, new = ({**settings, **settings.get("objective", {}), "objective": None} for settings in (before, now))
    return [
        f"{_WORDS.get(name, name.replace('_', ' '))} {_show(old.get(name))} -> {_show(new.get(name))}"
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    ]


def _show(value: Any) -> str:
    if isinstance(value, Mapping):
        value = ",".join(f"{name}={weight}" for name, weight in value.items())
    text = "none" if value in (None, "") else str(value)
    if len(text) == 64:  # a sha256
        return text[:_DIGEST_SHOWN]
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
