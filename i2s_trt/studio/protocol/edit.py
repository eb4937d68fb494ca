"""The edit that the page makes: everything that goes into a picture, as JSON."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

PARTS, EXPRESSIONS, ROWS = 8, 8, 40
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$")]
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


class Walk(Message):
    """A place on a random walk from what the edit starts from, to a sample, or the mean latent where `to` is None."""

    to: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    position: Annotated[FiniteFloat, Field(ge=0, le=1)]
    wander: Annotated[FiniteFloat, Field(ge=0, le=2)] = 0.5
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


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
    walk: Walk | None = None
    style: Style | None = None
    expressions: Annotated[
        list[Annotated[PairExpression | DirectionExpression, Field(discriminator="kind")]],
        Field(max_length=EXPRESSIONS),
    ] = Field(default_factory=list)
    truncation: Psi | None = None
