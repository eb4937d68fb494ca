"""The settings of an embedding; the defaults are the paper's."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

from i2s_trt.arithmetic import PRECISIONS, Precision
from i2s_trt.errors import UsageError
from i2s_trt.models.vgg_layout import CONVOLUTIONS, TAPS

Space = Literal["w+", "w", "z"]
InputScale = Literal["mean-255", "normalized", "unit", "signed"]
Resize = Literal["area", "bilinear"]
Noise = Literal["stored", "resampled", "optimised"] | int
Init = Literal["mean", "random", "latent", "encoder"]
Schedule = Literal["paper", "fast"]
Method = Literal["plain", "fused", "compiled"]
METHODS: tuple[str, ...] = get_args(Method)


PAPER_STEPS, FAST_STEPS = 5000, 400


@dataclass(frozen=True)
class ObjectiveOptions:
    """What is minimised: Eq. 1 and Eq. 2, with the paper's silences made explicit.

    Attributes:
        pixel_weight: lambda_mse of Eq. 1; 0 switches the term off.
        layer_weights: lambda_j of Eq. 2 by VGG-16 layer; an empty mapping switches the perceptual term off.
        style_weight: of the Gram-matrix loss on `style_layer` (the stylised embedding of Figure 6).
        style_layer: the paper uses conv4_2.
        prior_weight: of the charge for leaving the model's samples (`loss.prior.Prior`), which latents that are to be
            edited need: 3 suits trained features at `mean-255`, less where losses are smaller; the paper has none.
        input_scale: range in which pixels and VGG see images: `mean-255` is 0..255 less the ImageNet mean, which
            reproduces the magnitude of the paper's losses; `normalized` is 0..1 less mean, over deviation; `unit`
            is 0..1; `signed` is -1..1. It scales the pixel term too (255, 1, 1, 2 wide).
        after_relu: features behind the activation.
        perceptual_size: longer side in pixels at which VGG looks; 0 for the image's own. Smaller images are
            never enlarged.
        resize: `area` averages whole pixels; `bilinear` without antialiasing aliases, as many copies do.
    """

    pixel_weight: float = 1.0
    layer_weights: Mapping[str, float] = field(default_factory=lambda: MappingProxyType(dict.fromkeys(TAPS, 1.0)))
    style_weight: float = 0.0
    style_layer: str = "conv4_2"
    prior_weight: float = 0.0
    input_scale: InputScale = "mean-255"
    after_relu: bool = True
    perceptual_size: int = 256
    resize: Resize = "area"

    def __post_init__(self) -> None:
        names = {name for name, _, _ in CONVOLUTIONS.values()}
        unknown = ({*self.layer_weights, self.style_layer}) - names
        if unknown:
            raise UsageError(
                f"no VGG-16 layer named {', '.join(sorted(unknown))}; there are: {', '.join(sorted(names))}"
            )
        weights = (self.pixel_weight, self.style_weight, *self.layer_weights.values())
        every = (*weights, self.prior_weight)
        if not all(0 <= weight < math.inf for weight in every) or max(weights) == 0:
            raise UsageError(
                f"loss weights {list(every)} make no sense", "none may be negative, and one at least must be above 0"
            )

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the loss terms that are on, in the order in which they are recorded, `total` first."""
        pixel = ("pixel",) if self.pixel_weight else ()
        layers = tuple(name for name, weight in self.layer_weights.items() if weight)
        style, prior = ("style",) * bool(self.style_weight), ("prior",) * bool(self.prior_weight)
        return ("total", *pixel, *layers, *style, *prior)


@dataclass(frozen=True)
class EmbedOptions:
    """Algorithm 1 and section 5.

    Attributes:
        steps: gradient steps (5000).
        schedule: `paper` is Adam at a constant rate; `fast` is L-BFGS in the metric of the model's mean curvature
            (docs/fast-schedule.md), for which Adam's constants mean nothing and 400 steps are plenty.
        space: `w+`, or the spaces of Figure 5: `w`, `z`.
        init: `mean` starts from w-bar, `random` from U[-1, 1] in every variable (section 5.1), `latent` from a
            point given beside the options, of which `init_digest` keeps the sha256; `encoder` asks a network that
            was trained for the model, of which `init_digest` keeps the sha256 too.
        learning_rate, beta1, beta2, epsilon: of Adam (section 5.3).
        noise: `stored` maps of the model; `resampled` at each step (worse, says the paper); a number draws other
            constant maps from that seed (Figure 16); `optimised` moves the maps along with the latent, by the method
            `plain`, and charges them for showing anything, as StyleGAN2's own projection does.
        seed: of all randomness of an image.
        label: class of a conditional model in which Z is searched, from 0; None for no class.
        plateau_steps: stop when the loss has not fallen by `plateau_tolerance` for so many steps; 0 never stops.
        plateau_tolerance: relative.
        precision: of weights and activations; latents, losses, Adam and the statistics of the instance norm are
            float32 always, and so are the layers up to 32 pixels. `tf32` is `fp32` with a GPU's fast products, which
            the float32 layers beside `bf16` and `fp16` get as well.
        method: how a step is computed: `fused` (frozen networks, channels last, one function a layer), `compiled`
            (that through torch.compile), or `plain` (the modules as they stand: the reference, in 32 bits).
        objective: what is minimised.
    """

    steps: int = PAPER_STEPS
    space: Space = "w+"
    init: Init = "mean"
    init_digest: str = ""
    learning_rate: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    noise: Noise = "stored"
    seed: int = 0
    label: int | None = None
    plateau_steps: int = 0
    plateau_tolerance: float = 1e-3
    precision: Precision = "fp32"
    method: Method = "fused"
    schedule: Schedule = "paper"
    objective: ObjectiveOptions = field(default_factory=ObjectiveOptions)

    def __post_init__(self) -> None:
        if self.steps < 0 or self.plateau_steps < 0:
            raise UsageError(f"{min(self.steps, self.plateau_steps)} steps cannot be taken", "give 0 or more")
        adam = (self.learning_rate, self.beta1, self.beta2, self.epsilon)
        if not (0 < adam[0] < math.inf and 0 <= adam[1] < 1 and 0 <= adam[2] < 1 and 0 < adam[3] < math.inf):
            raise UsageError(f"Adam cannot run with {adam}", "give learning_rate > 0, 0 <= beta < 1 and epsilon > 0")
        if self.schedule not in ("paper", "fast"):
            raise UsageError(f"there is no schedule named {self.schedule}", "take paper or fast")
        if self.schedule == "fast" and self.noise in ("resampled", "optimised"):
            raise UsageError(
                "the fast schedule needs the same noise at every step", "take --noise stored, or --schedule paper"
            )
        if self.label is not None and self.space != "z":
            raise UsageError(
                f"label {self.label} has no part in {self.space.upper()}: classes differ in Z alone",
                "leave --label out, or take --space z",
            )
        if self.schedule == "fast" and self.learning_rate != EmbedOptions.learning_rate:
            raise UsageError(
                f"the fast schedule finds its own step lengths: a learning rate of {self.learning_rate} does nothing",
                "leave --learning-rate out, or take --schedule paper",
            )
        if self.precision not in PRECISIONS or self.method not in METHODS:
            raise UsageError(
                f"a step cannot be {self.method} in {self.precision}",
                f"methods are {', '.join(METHODS)}; precisions are {', '.join(PRECISIONS)}",
            )
        if self.optimises_noise and self.precision not in ("fp32", "tf32"):
            raise UsageError(f"noise is not optimised in {self.precision}", "take --precision fp32 or tf32")
        if self.method == "plain" and self.precision not in ("fp32", "tf32"):
            raise UsageError(f"the plain method does not compute in {self.precision}", "take the method fused")

    @property
    def optimises_noise(self) -> bool:
        """Whether noise maps are part of what is optimised."""
        return self.noise == "optimised"

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the loss terms, as they are recorded: the objective's, and `noise` where that is optimised."""
        return (*self.objective.terms, *("noise",) * self.optimises_noise)

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values, for the record."""
        objective = {**vars(self.objective), "layer_weights": dict(self.objective.layer_weights)}
        own = {name: value for name, value in vars(self).items() if name != "objective"}
        if self.label is None:
            del own["label"]  # so that runs from before there were labels can be gone on with
        return {**own, "objective": objective}

    def digest(self) -> str:
        """Identifies the settings: a run may be resumed only under the same ones."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class TuneOptions:
    """How a generator is tuned.

    Attributes:
        steps: of Adam, whose rates rise over the first eight and then fall along a cosine; 0 does not tune.
        rate: of Adam, for weights, at its highest.
        noise_rate: the same for noise maps, which take most of what is in its place in one picture alone; 0 keeps them.
        coarsest: pixels a side of the coarsest layers that change: coarser ones hold the face's shape, on which edits
            rest, and most of the weights. Of small models no coarser ones than a quarter of the picture's side.
        pixel_weight: of the pixels in Eq. 1, for which 1 is meant in W+, where details have nowhere to go.
        locality: weight of the objective at other latents; 0 leaves them to themselves.
        interval: steps from one look at features and at another latent to the next; those in between see pixels alone.
    """

    steps: int = 0
    rate: float = 2e-4
    noise_rate: float = 0.5
    coarsest: int = 32
    pixel_weight: float = 100.0
    locality: float = 0.1
    interval: int = 4

    def __post_init__(self) -> None:
        if self.steps < 0 or self.interval < 1 or self.coarsest < 4:
            raise UsageError(f"{self.steps} steps of tuning cannot be taken so", "give 0 or more")
        numbers = (self.rate, self.noise_rate, self.pixel_weight, self.locality)
        if not (0 < self.rate < math.inf and all(0 <= number < math.inf for number in numbers)):
            raise UsageError(
                f"a generator cannot be tuned with {numbers}", "give a rate above 0, and no negative weight"
            )

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return dict(vars(self))
