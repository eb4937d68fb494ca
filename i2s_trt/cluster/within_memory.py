"""Groups of tasks that fit into a worker's memory."""

from collections.abc import Callable, Sequence

from i2s_trt.cluster.tasks import Failed, Outcome, Task
from i2s_trt.memory import give_back_memory, memory_ran_out


def within_memory(
    tasks: Sequence[Task], work: Callable[[Sequence[Task]], list[Outcome]], shrink: Callable[[int], None]
) -> list[Outcome]:
    """The outcomes of a group of tasks, in halves of it where memory runs out.

    Args:
        tasks: of the group.
        work: does some tasks together.
        shrink: called with the number of tasks that may still be done together, when those were too many.
    """
    try:
        return work(tasks)
    except Exception as error:
        if not memory_ran_out(error):
            raise
    give_back_memory()
    if len(tasks) == 1:
        return [Failed(tasks[0].name, "there is too little memory for a single picture", "", "memory")]
    half = len(tasks) // 2
    shrink(half)
    halves = (tasks[start : start + half] for start in range(0, len(tasks), half))
    return [outcome for group in halves for outcome in within_memory(group, work, shrink)]
