"""The ways of computing an embedding step, each built from a model's name so that any process can build it."""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import cast

from benchmarks.speed.bench import Bench
from benchmarks.speed.clock import Work
from benchmarks.speed.inputs import check_memory, random_pictures, targets
from benchmarks.speed.schema import Case
from i2s_trt.errors import EnvironmentFault

BASELINE, PLAIN, ENGINE = "baseline", "plain", "engine gradient"
_CAPTURED = " captured"
STEPS = 100_000  # more than are ever taken: a run that ends computes nothing any more


@dataclass(frozen=True)
class Way:
    """How a step is computed.

    Attributes:
        name: `baseline`, `engine gradient`, or a method of the embedding (`plain`, `fused`, `compiled`), with
            ` captured` behind it where it is replayed from a CUDA graph.
        precision: of weights and activations.
    """

    name: str
    precision: str = "fp32"

    @property
    def method(self) -> str:
        """Of `EmbedOptions`."""
        return self.name.removesuffix(_CAPTURED)

    @property
    def captured(self) -> bool:
        """Whether it is replayed from a CUDA graph."""
        return self.name.endswith(_CAPTURED)

    def case(self, model: str, resolution: int, batch: int) -> Case:
        """The case of this way."""
        return Case(self.name, model, resolution, batch, self.precision)

    def notes(self) -> tuple[str, ...]:
        """What a reader must know."""
        return {
            BASELINE: ("as public re-implementations write it",),
            ENGINE: ("the exported gradient graph",),
        }.get(self.name, ())


SAFEST, FASTEST_ON_GPU = Way("fused"), Way("fused captured", "bf16")
ON_CPU = (
    Way(BASELINE), Way(PLAIN), Way("fused"), Way("fused", "bf16"), Way("compiled"), Way("compiled", "bf16"),
    Way(ENGINE),
)  # fmt: skip
ON_GPU = (
    Way(BASELINE), Way(PLAIN), Way(PLAIN, "tf32"), Way("fused", "bf16"), Way("fused captured", "tf32"),
    FASTEST_ON_GPU, Way("fused captured", "fp16"), Way("compiled captured", "bf16"), Way(ENGINE),
)  # fmt: skip
QUICK = (Way(BASELINE), Way(PLAIN), Way("fused"))
QUICK_ON_GPU = (*QUICK, FASTEST_ON_GPU)
BATCHED = (*QUICK, Way("fused", "bf16"), FASTEST_ON_GPU, Way("compiled", "bf16"), Way(ENGINE))


def ways_for(bench: Bench, batch: int) -> tuple[Way, ...]:
    """All ways that make sense on a device; of a batch those that tell most, as all must fit into memory together."""
    quick, all_ways = (QUICK_ON_GPU, ON_GPU) if bench.on_gpu else (QUICK, ON_CPU)
    ways = quick if bench.quick else all_ways
    return ways if batch == 1 else tuple(way for way in ways if way in BATCHED)


def make_step(way: Way, model: str, batch: int, device: str) -> Work:
    """A step to be called again and again.

    Raises:
        I2sError: the model is unknown, or this way is not possible here.
    """
    if way.name == BASELINE:
        return _baseline(model, batch, device)
    if way.name == ENGINE:
        from benchmarks.speed.engine_gradient import EngineEmbedding

        return EngineEmbedding(model, batch, device).step
    return _ours(way, model, batch, device)


def _baseline(model: str, batch: int, device: str) -> Work:
    from benchmarks.speed.baseline import BaselineEmbedding
    from i2s_trt.checkpoints.store import load_weights
    from i2s_trt.devices import choose_device
    from i2s_trt.models.vgg import imagenet_vgg16

    weights, place = load_weights(model), choose_device(device)
    check_memory(weights.spec, batch, place)
    return BaselineEmbedding(weights, imagenet_vgg16(), targets(weights.spec, batch, place)).step


def _ours(way: Way, model: str, batch: int, device: str) -> Work:
    from i2s_trt.arithmetic import Precision
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.devices import choose_device
    from i2s_trt.embedding.embed import EmbedProblem
    from i2s_trt.embedding.embedder import Embedder
    from i2s_trt.embedding.options import EmbedOptions, Method
    from i2s_trt.memory import kept_memory

    place = choose_device(device)
    if way.captured and place.type != "cuda":
        raise EnvironmentFault("a step is captured on a GPU only", "take --device cuda")
    memory = ExitStack()
    memory.enter_context(kept_memory())  # as during a run; until the process ends
    generator = load_generator(model).to(place)
    options = EmbedOptions(steps=STEPS, precision=cast("Precision", way.precision), method=cast("Method", way.method))
    problem = EmbedProblem(Embedder(generator, options, announce=refuse), random_pictures(generator.spec, batch))
    stepper = problem.stepper(problem.start(), capture=way.captured)
    return partial(_call, stepper, memory)


def _call(work: Work, _held: object) -> None:
    work()


def refuse(what: str) -> None:
    """Figures of something else than was to be measured are none."""
    raise EnvironmentFault(f"not as planned: {what}", "take a smaller batch or another way")
