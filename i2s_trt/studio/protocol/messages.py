"""What page and server say to each other besides edits, as JSON."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, FiniteFloat

from i2s_trt.studio.protocol.edit import Edit, Message, Name

STEPS, TUNE, CURVE = 20_000, 1000, 200
Identifier = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class Fault(Message):
    """What is wrong, and how to mend it."""

    error: str
    hint: str = ""


class ModelAnswer(Message):
    """The model that is open."""

    name: str
    digest: str
    width: int
    height: int
    layers: int
    crossover: int
    faces: bool
    directions: list[str]
    device: str
    engine: str


class Shelved(Message):
    """A latent on the shelf; `made` by an edit or a seed rather than from a photograph; `tuned`: it has a delta."""

    name: str
    digest: str
    picture: str
    target: str | None
    status: str
    loss: float | None
    distance: float | None
    seconds: float | None
    made: bool
    tuned: bool


class ShelfAnswer(Message):
    """All latents, by name."""

    latents: list[Shelved]


class Rename(Message):
    """A latent's new name."""

    to: Name


class FoundFace(Message):
    """Corners top left, bottom left, bottom right, top right as (x, y) in pixels of the upright photograph."""

    quad: list[list[float]]
    score: float


class PhotographAnswer(Message):
    """A photograph that was taken in, with its faces, the largest first."""

    id: str
    name: str
    width: int
    height: int
    picture: str
    faces: list[FoundFace]


class KeptPhotograph(Message):
    """A photograph that is kept, and the latents on the shelf that were made from it."""

    id: str
    picture: str
    latents: list[str]


class PhotographsAnswer(Message):
    """All photographs, the latest first."""

    photographs: list[KeptPhotograph]


Corner = Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]


class EmbeddingRequest(Message):
    """What is to be embedded, and how; without a quad the photograph's largest face, or its middle.

    The generator is tuned to it for `tune` steps after the others.
    """

    photograph: Identifier
    name: Name
    quad: Annotated[list[Corner], Field(min_length=4, max_length=4)] | None = None
    steps: Annotated[int, Field(ge=1, le=STEPS)] = 200
    schedule: Literal["fast", "paper"] = "fast"
    prior: Annotated[FiniteFloat, Field(ge=0, le=1000)] = 3.0
    tune: Annotated[int, Field(ge=0, le=TUNE)] = 0


State = Literal["queued", "running", "stopped", "finished", "failed", "cancelled", "dismissed"]
Onward = Literal["resume", "begin", "never"]


class Embedding(Message):
    """How far an embedding is. `position` counts those before it in the queue; the last `tune` steps of `of` tune.

    One that is `dismissed` is told of once more, and listed no longer. One that has ended can go on from where it was
    (`onward` is "resume"), only anew ("begin"), or "never"; the `note` says what else there is to know.
    """

    id: int
    name: str
    state: State
    position: int = 0
    step: int = 0
    of: int
    tune: int = 0
    loss: float | None = None
    curve: list[tuple[int, float]] = Field(default_factory=list)
    ms_a_step: float | None = None
    seconds_left: float | None = None
    error: str | None = None
    hint: str | None = None
    note: str | None = None
    onward: Onward = "begin"


class EmbeddingsAnswer(Message):
    """All embeddings of this shelf, but for those that were dismissed and the oldest of very many."""

    embeddings: list[Embedding]


class More(Message):
    """Steps to add to an embedding that has ended; 0 goes on with one that was stopped."""

    steps: Annotated[int, Field(ge=0, le=STEPS)] = 0


class EditRequest(Message):
    """An edit alone."""

    edit: Edit


class RepeatAnswer(Message):
    """What makes the same picture without the studio."""

    recipe: str
    command: str


class ExportRequest(Message):
    """What to make a file of; `to` names where a morph ends. Its progress is told under the `ticket`, if any."""

    edit: Edit
    kind: Literal["picture", "latent", "pasted", "morph"]
    to: Name | None = None
    ticket: Annotated[int, Field(ge=0, lt=2**32)] | None = None


class SaveRequest(Message):
    """An edit that goes on the shelf."""

    edit: Edit
    name: Name


class NewNode(Message):
    """An edit after another."""

    parent: int | None = None
    edit: Edit
    label: Annotated[str, Field(max_length=200)] = ""


class Node(NewNode):
    """A place in the history; the time in seconds since 1970."""

    id: int
    time: float


class HistoryAnswer(Message):
    """The tree of edits, oldest first, and where one is in it."""

    nodes: list[Node]
    current: int | None


class Current(Message):
    """Which node is shown."""

    id: int


class PreviewRequest(Message):
    """An edit to be shown; of several that wait the latest is."""

    type: Literal["preview"]
    id: Annotated[int, Field(ge=0, lt=2**32)]
    edit: Edit


def to_json(message: BaseModel) -> Any:
    """JSON values by the protocol's names."""
    return message.model_dump(mode="json", by_alias=True)
