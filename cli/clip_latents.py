"""The latents of a clip on their way into a video: read, smoothed, moved onto another face, edited by a recipe."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2s_trt.errors import ImageError, UsageError

if TYPE_CHECKING:
    from i2s_trt.edit.sources import LatentSource
    from i2s_trt.models.generator import Generator
    from i2s_trt.video.folder import ClipRecord


def find_clip(path: Path, record: "ClipRecord", *, needed: bool) -> Path | None:
    """The clip that was embedded; None when it is not there and not needed."""
    from i2s_trt.files import file_digest

    hint = "say where it is with --clip"
    if not path.is_file():
        if needed:
            raise ImageError(f"the clip {path} is not there", hint)
        return None
    if file_digest(path) != record.info.digest:
        raise ImageError(f"{path} is not the clip that was embedded", hint)
    return path


def latents_of(home: Any, generator: "Generator", any_model: bool) -> Any:
    """The latents of a clip's folder that fit the model, w_plus [T, L, D]. Raises LatentError."""
    import numpy as np

    return np.stack([latent.for_model(generator, any_model=any_model) for latent in home.latents()])


def moved(
    latents: Any,
    source: "LatentSource",
    steady: float,
    onto: Path | None,
    strength: float,
    threshold: float,
) -> Any:
    """Smoothed over so many frames, and as another face's movement where one is named. Raises LatentError."""
    from i2s_trt.video.motion import reenact, steadied

    latents = steadied(latents, steady)
    if onto is None:
        return latents
    return reenact(source.latent(str(onto)), latents, strength, threshold)


def by_recipe(latents: Any, source: "LatentSource", recipe: Path | None, name: str) -> Any:
    """Every frame through one variant of a recipe."""
    if recipe is None:
        return latents
    import numpy as np

    from i2s_trt.edit.recipe.load import load_recipe

    variants = {item.name: item for item in load_recipe(recipe, source)}
    if not name and len(variants) == 1:
        (name,) = variants
    if name not in variants:
        raise UsageError(f"{recipe} has no edit named {name!r}", f"give --edit one of {', '.join(variants)}")
    return np.stack([variants[name].apply(latent) for latent in latents])
