"""Says what a session was put together from."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cli.console import Console

if TYPE_CHECKING:
    from i2s_trt.models.vgg import Vgg16
    from i2s_trt.session import SessionEvent


class SessionReport:
    """Prints a session's events as they come."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, event: "SessionEvent") -> None:
        """Print one thing that was settled."""
        data = event.data
        self._console.event(event.kind, **data)
        say: dict[str, Callable[..., None]] = {
            "model": self._model, "features": self._features, "input_scale": self._input_scale,
            "precision": self._precision, "schedule": self._schedule, "faces": self._faces,
        }  # fmt: skip
        say[event.kind](**data)

    def _model(self, *, name: str, width: int, height: int, layers: int, device: str, **_: Any) -> None:
        self._console.say(f"model:    {name} ({width}x{height}, {layers} layers, on {device})")

    def _features(self, *, name: str, **_: Any) -> None:
        self._console.say(f"features: {name}")

    def _input_scale(self, *, given: str, expected: str) -> None:
        self._console.note(
            f"note: these features were trained for --input-scale {expected}; with {given} the loss is another"
        )

    def _precision(self, *, precision: str, chosen: str, **measured: Any) -> None:
        if chosen == "by name":
            self._console.say(f"numbers:  {precision}")
            return
        times = ", ".join(f"{one} {seconds * 1000:.1f} ms" for one, seconds in measured["seconds"].items())
        self._console.say(f"numbers:  {precision} ({f'a step: {times}' if times else measured['unmeasured']})")

    def _schedule(self, *, name: str, steps: int, passes: int, **_: Any) -> None:
        first = f"; first the model's curvature, once: {passes} backward passes" if passes else ""
        self._console.say(f"schedule: {name}, {steps} steps{first}")

    def _faces(self, *, detector: str, **_: Any) -> None:
        self._console.say(f"faces:    aligned as in FFHQ; found by {detector}")


def choose_features(choice: str, console: Console) -> "Vgg16":
    """Load the features of a name and say which they are. Raises as `load_features` does."""
    from i2s_trt.checkpoints.features import load_features
    from i2s_trt.session import features_event

    vgg = load_features(choice)
    SessionReport(console)(features_event(vgg))
    return vgg
