"""Embeds what lies on a new shelf of the built-in model, and keeps it beside the page."""

import tempfile
import time
from pathlib import Path

from i2s_trt.arrays import Pixels
from i2s_trt.checkpoints.catalogue import DEMO
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.demo.run import drawn_person
from i2s_trt.errors import EnvironmentFault
from i2s_trt.files import write_bytes
from i2s_trt.images.decode import decode
from i2s_trt.images.encode import encoder
from i2s_trt.images.examples import example_path
from i2s_trt.studio.model import StudioModel
from i2s_trt.studio.protocol import EmbeddingRequest
from i2s_trt.studio.starters import EMBEDDED
from i2s_trt.studio.studio import Studio
from i2s_trt.synthesizer import TorchSynthesizer
from i2s_trt.training.portraits.render import render_portrait

_STEPS, _SIDE, _QUALITY, _PORTRAIT_SEED = 400, 512, 92, 11


def photographs() -> dict[str, Pixels]:
    """The photographs uint8 [H, W, 3] by the names of their latents."""
    return {
        "astronaut": decode(example_path("astronaut")),
        "portrait": render_portrait(drawn_person(_PORTRAIT_SEED), _SIDE),
    }


def main() -> None:
    """`python -m i2s_trt.studio.keep_starters`: as the page embeds them, on the CPU; a minute each."""
    generator, encode = load_generator(), encoder("jpeg", _QUALITY)
    model = StudioModel(DEMO, generator, (TorchSynthesizer(generator),))
    with tempfile.TemporaryDirectory(prefix="i2s-trt-") as folder:
        room = Studio(model, Path(folder))
        try:
            for name, pixels in photographs().items():
                _embed(room, name, encode(pixels))
        finally:
            room.close()


def _embed(room: Studio, name: str, photograph: bytes) -> None:
    received = room.photographs.receiving()
    received.write_bytes(photograph)
    answer = room.photographs.take(received, name)
    if name in room.shelf.names():
        room.shelf.delete(name)
    number = room.embeddings.add(EmbeddingRequest(photograph=answer.id, name=name, steps=_STEPS)).id
    while (told := {one.id: one for one in room.embeddings.list()}[number]).state in ("queued", "running"):
        time.sleep(1)
    if told.state != "finished":
        raise EnvironmentFault(f"{name} was not embedded: {told.error or told.state}")
    for file in (room.shelf.path(name), room.photographs.path(answer.id)):
        write_bytes(EMBEDDED / f"{name}{file.suffix or '.jpg'}", file.read_bytes())


if __name__ == "__main__":
    main()
