"""The variants of an embedding step, each built from a model's name so that any process can build it."""

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
class StepVariant:
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
        """`EmbedOptions.method` of the variant."""
        return self.name.removesuffix(_CAPTURED)

    @property
    def captured(self) -> bool:
        """Whether it is replayed from a CUDA graph."""
        return self.name.endswith(_CAPTURED)

    def case(self, model: str, resolution: int, batch: int) -> Case:
        """The case of this variant."""
        return Case(self.name, model, resolution, batch, self.precision)

    def notes(self) -> tuple[str, ...]:
        """What a reader must know."""
        return {
            BASELINE: ("as public re-implementations write it",),
            ENGINE: ("the exported gradient graph",),
        }.get(self.name, ())


SAFEST, FASTEST_ON_GPU = StepVariant("fused"), StepVariant("fused captured", "bf16")
ON_CPU = (
    StepVariant(BASELINE), StepVariant(PLAIN), StepVariant("fused"), StepVariant("fused", "bf16"),
    StepVariant("compiled"), StepVariant("compiled", "bf16"), StepVariant(ENGINE),
)  # fmt: skip
ON_GPU = (
    StepVariant(BASELINE), StepVariant(PLAIN), StepVariant(PLAIN, "tf32"), StepVariant("fused", "bf16"),
    StepVariant("fused captured", "tf32"), FASTEST_ON_GPU, StepVariant("fused captured", "fp16"),
    StepVariant("compiled captured", "bf16"), StepVariant(ENGINE),
)  # fmt: skip
QUICK = (StepVariant(BASELINE), StepVariant(PLAIN), StepVariant("fused"))
QUICK_ON_GPU = (*QUICK, FASTEST_ON_GPU)
BATCHED = (*QUICK, StepVariant("fused", "bf16"), FASTEST_ON_GPU, StepVariant("compiled", "bf16"), StepVariant(ENGINE))


def variants_for(bench: Bench, batch: int) -> tuple[StepVariant, ...]:
    """All variants that make sense on a device; for a batch the telling ones, as all must fit into memory."""
    quick, everything = (QUICK_ON_GPU, ON_GPU) if bench.on_gpu else (QUICK, ON_CPU)
    variants = quick if bench.quick else everything
    return variants if batch == 1 else tuple(variant for variant in variants if variant in BATCHED)


def make_step(variant: StepVariant, model: str, batch: int, device: str) -> Work:
    """A step to be called again and again.

    Raises:
        I2sError: the model is unknown, or this variant is not possible here.
    """
    if variant.name == BASELINE:
        return _baseline(model, batch, device)
    if variant.name == ENGINE:
        from benchmarks.speed.engine_gradient import EngineEmbedding

        return EngineEmbedding(model, batch, device).step
    return _ours(variant, model, batch, device)


def _baseline(model: str, batch: int, device: str) -> Work:
    from benchmarks.speed.baseline import BaselineEmbedding
    from i2s_trt.checkpoints.store import load_weights
    from i2s_trt.devices import choose_device
    from i2s_trt.models.vgg import imagenet_vgg16

    weights, place = load_weights(model), choose_device(device)
    check_memory(weights.spec, batch, place)
    return BaselineEmbedding(weights, imagenet_vgg16(), targets(weights.spec, batch, place)).step


def _ours(variant: StepVariant, model: str, batch: int, device: str) -> Work:
    from i2s_trt.arithmetic import Precision
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.devices import choose_device
    from i2s_trt.embedding.embed import EmbedProblem
    from i2s_trt.embedding.embedder import Embedder
    from i2s_trt.embedding.options import EmbedOptions, Method
    from i2s_trt.memory import kept_memory

    place = choose_device(device)
    if variant.captured and place.type != "cuda":
        raise EnvironmentFault("a step is captured on a GPU only", "take --device cuda")
    memory = ExitStack()
    memory.enter_context(kept_memory())  # as during a run; until the process ends
    generator = load_generator(model).to(place)
    options = EmbedOptions(
        steps=STEPS, precision=cast("Precision", variant.precision), method=cast("Method", variant.method)
    )
    problem = EmbedProblem(Embedder(generator, options, announce=refuse), random_pictures(generator.spec, batch))
    stepper = problem.stepper(problem.start(), capture=variant.captured)
    return partial(_call, stepper, memory)


def _call(work: Work, _held: object) -> None:
    work()


def refuse(what: str) -> None:
    """Figures of something else than was to be measured are none."""
    raise EnvironmentFault(f"not as planned: {what}", "take a smaller batch or another variant")
