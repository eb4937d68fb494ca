"""Opens what renders on a worker of a cluster."""

from typing import TYPE_CHECKING

from engines.open import open_model
from engines.throughput import for_throughput
from i2s_trt.cluster.render import RenderSettings, RenderWorkshop
from i2s_trt.cluster.tasks import Bench, Hello

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_BATCHES, _MOST = 4, 32  # that a GPU takes at a time, since it is done with each in a few milliseconds
OPENER = "engines.cluster:open_renderer"


def open_renderer(settings: "Mapping[str, Any]", model: str, bench: Bench) -> RenderWorkshop:
    """A workshop that renders; arguments as `Actor.open` gives them, `settings` being those of `RenderSettings`.

    Raises:
        I2sError: as `engines.open.open_model` does.
    """
    wanted = RenderSettings(**settings)
    opened = open_model(model, wanted.device, wanted.engine, wanted.precision)
    found = for_throughput(opened.choice, opened.generator, wanted.cores)
    synthesizers = found.synthesizers
    engine = f"{opened.choice.engine} in {opened.choice.precision}"
    device = str(opened.generator.mean_w.device)
    batch = wanted.batch or found.batch
    takes = batch if device == "cpu" else max(batch, min(_MOST, _BATCHES * batch))
    hello = Hello(device, engine, takes, len(synthesizers) + 1, found.threads)
    return RenderWorkshop(synthesizers, wanted, bench, hello, batch)
