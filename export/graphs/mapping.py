"""z -> w."""

from torch import Tensor

from export.graph import EXAMPLE_BATCH, Graph, gaussian
from export.keys import Precision
from i2s_trt.models.generator import Generator


def mapping_graph(generator: Generator, precision: Precision = "fp32") -> Graph:
    """`z` [N, Z] -> `w` [N, D], in float32 at every precision: it is a thousandth of the work."""

    def function(z: Tensor) -> Tensor:
        return generator.mapping(z)  # type: ignore[no-any-return]

    return Graph(
        name="mapping",
        precision=precision,
        function=function,
        examples={"z": gaussian(EXAMPLE_BATCH, generator.z_dim)},
        batched=frozenset({"z"}),
        outputs=("w",),
        model_digest=generator.digest,
    )
