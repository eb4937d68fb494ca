"""What page and server say to each other, as JSON. Source: this repository; the page is written against it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

IDENTIFIER = r"^[0-9a-f]{16}$"
PARTS, EXPRESSIONS, ROWS, STEPS, CURVE = 8, 8, 40, 20_000, 200
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$")]
Identifier = Annotated[str, Field(pattern=IDENTIFIER)]
Strength = Annotated[FiniteFloat, Field(ge=-100, le=100)]
Psi = Annotated[FiniteFloat, Field(ge=-2, le=2)]


class Message(BaseModel):
    """A part of the protocol: no unknown key, never changed once made."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Part(Message):
    """A latent of a mix with its share; shares are scaled to sum to 1."""

    name: Name
    weight: Annotated[FiniteFloat, Field(ge=0, le=1000)]


class LatentBase(Message):
    """A latent of the shelf."""

    kind: Literal["latent"]
    name: Name


class MixBase(Message):
    """Latents of the shelf, mixed."""

    kind: Literal["mix"]
    parts: Annotated[list[Part], Field(min_length=1, max_length=PARTS)]


class RandomBase(Message):
    """A sample of the model; truncation None takes the model's own."""

    kind: Literal["random"]
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    truncation: Psi | None = None


class Style(Message):
    """Rows of another latent; one flag a row, 0 the coarsest."""

    name: Name
    rows: Annotated[list[bool], Field(max_length=ROWS)]


class PairExpression(Message):
    """The difference of two latents of the shelf."""

    kind: Literal["pair"]
    from_: Name = Field(alias="from")
    to: Name
    strength: Strength

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class DirectionExpression(Message):
    """A direction from a file in the shelf's folder `directions`."""

    kind: Literal["direction"]
    name: Name
    strength: Strength


class Edit(Message):
    """Everything that makes a picture, in the order in which it is applied."""

    base: Annotated[LatentBase | MixBase | RandomBase, Field(discriminator="kind")]
    style: Style | None = None
    expressions: Annotated[
        list[Annotated[PairExpression | DirectionExpression, Field(discriminator="kind")]],
        Field(max_length=EXPRESSIONS),
    ] = []
    truncation: Psi | None = None


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
    """A latent on the shelf; `made` by an edit or a seed rather than from a photograph."""

    name: str
    digest: str
    picture: str
    target: str | None
    status: str
    loss: float | None
    distance: float | None
    seconds: float | None
    made: bool


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


Corner = Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]


class EmbeddingRequest(Message):
    """What is to be embedded, and how; without a quad the photograph's largest face, or its middle."""

    photograph: Identifier
    name: Name
    quad: Annotated[list[Corner], Field(min_length=4, max_length=4)] | None = None
    steps: Annotated[int, Field(ge=1, le=STEPS)] = 200
    schedule: Literal["fast", "paper"] = "fast"
    prior: Annotated[FiniteFloat, Field(ge=0, le=1000)] = 3.0


State = Literal["queued", "running", "stopped", "finished", "failed", "cancelled"]


class Embedding(Message):
    """How far an embedding is. `position` counts those before it in the queue."""

    id: int
    name: str
    state: State
    position: int = 0
    step: int = 0
    of: int
    loss: float | None = None
    curve: list[tuple[int, float]] = []
    ms_a_step: float | None = None
    seconds_left: float | None = None
    error: str | None = None
    hint: str | None = None


class EmbeddingsAnswer(Message):
    """All embeddings since the server started."""

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
    """What to make a file of; `to` names where a morph ends."""

    edit: Edit
    kind: Literal["picture", "latent", "pasted", "morph"]
    to: Name | None = None


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
