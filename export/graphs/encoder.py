"""picture -> a first guess of its latent."""

import copy

from torch import Tensor

from export.errors import ExportError
from export.graph import EXAMPLE_BATCH, Graph, picture_like
from export.keys import Precision
from export.precision import DTYPES
from i2s_trt.checkpoints.encoders import TrainedEncoder
from i2s_trt.models.spec import GeneratorSpec


def encoder_graph(encoder: TrainedEncoder, spec: GeneratorSpec, precision: Precision = "fp32") -> Graph:
    """`images` [N, 3, H, W] in [-1, 1] -> `w_plus` float32 [N, L, D].

    Raises:
        ExportError: the encoder looks at its own guesses.
    """
    if encoder.render is not None:
        raise ExportError(
            "this model's encoder looks at what it guessed, several times: that is not one graph",
            "use it with: i2s-trt embed --init encoder",
        )
    network = copy.deepcopy(encoder.network).to(DTYPES[precision])

    def function(images: Tensor) -> Tensor:
        return network(images.to(DTYPES[precision])).float()  # type: ignore[no-any-return]

    return Graph(
        name="encoder",
        precision=precision,
        function=function,
        examples={"images": picture_like(EXAMPLE_BATCH, 3, *spec.picture_size)},
        batched=frozenset({"images"}),
        outputs=("w_plus",),
        model_digest=encoder.model_digest,
    )
