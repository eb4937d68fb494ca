"""What an earlier run left of a picture: a result to keep, or a snapshot to go on from."""

from collections.abc import Callable, Sequence
from pathlib import Path

from i2s_trt.embedding.embed import EmbedProblem
from i2s_trt.embedding.run.key import RunKey
from i2s_trt.embedding.run.outputs import Outputs
from i2s_trt.embedding.run.snapshot import Snapshot, load_snapshot, snapshot_key
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.errors import LatentError, UsageError
from i2s_trt.latents import Latent, read_latent

Say = Callable[[str], None]


def is_finished(outputs: Outputs, key: RunKey, *, overwrite: bool, say: Say) -> bool:
    """Whether the very result that is wanted is there.

    Args:
        outputs: of the picture.
        key: of the run that is wanted.
        overwrite: whether a finished result of another run may be replaced.
        say: called when one will be.

    Raises:
        UsageError: a finished result of another run is there, which nobody said to replace.
    """
    try:
        latent = read_latent(outputs.latent)
    except LatentError:
        return False
    if latent.status != "finished":
        return False
    changes = RunKey.of(latent).changes(key)
    begun = load_snapshot(outputs.snapshot, key) is not None
    if not changes:
        if begun:  # killed between the last two things it does
            outputs.forget_snapshot()
        return True
    if overwrite:
        say(f"replacing the result that is there: {_list(changes)}")
    elif not begun:  # else it was to be replaced already
        raise UsageError(
            f"{outputs.latent} was made otherwise and is kept: {_list(changes)}",
            "name another folder with -o, or add --overwrite to embed it anew",
        )
    return False


def snapshot_of(outputs: Outputs, key: RunKey, say: Say) -> Snapshot | None:
    """The snapshot to go on from; `say` is called with why one that is there is of no use."""
    found = load_snapshot(outputs.snapshot, key)
    if found is None and outputs.snapshot.exists():
        other = snapshot_key(outputs.snapshot)
        why = f"was made otherwise: {_list(other.changes(key))}" if other else "cannot be read"
        say(f"starting afresh; the unfinished run that is there {why}")
    return found


def finished_latent(path: Path, key: RunKey) -> Latent | None:
    """The finished result of this very run; None when there is none."""
    try:
        latent = read_latent(path)
    except LatentError:
        return None
    return latent if latent.status == "finished" and not RunKey.of(latent).changes(key) else None


def resumed(problem: EmbedProblem, snapshots: Sequence[Snapshot | None]) -> tuple[EmbedState, list[float]]:
    """The state in which a batch begins, each picture as its snapshot has it or fresh; and the seconds spent before."""
    fresh = problem.start()
    states = [
        (snapshot.state if snapshot else fresh.select(i)).to(problem.device) for i, snapshot in enumerate(snapshots)
    ]
    return EmbedState.stack(states), [snapshot.seconds if snapshot else 0.0 for snapshot in snapshots]


def _list(changes: Sequence[str]) -> str:
    return ", ".join(changes)
