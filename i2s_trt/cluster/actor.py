"""The process that does tasks on some machine of the cluster."""

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from i2s_trt import __version__
from i2s_trt.cluster.options import WorkerPlan
from i2s_trt.cluster.scratch import remove_scratch
from i2s_trt.cluster.tasks import Answer, Bench, Hello, Sign, Task, Workshop
from i2s_trt.entry import find_floors
from i2s_trt.errors import EnvironmentFault

if TYPE_CHECKING:
    from i2s_trt.cluster.model import ModelParcel


class Actor:
    """An actor of Ray. Its constructor does nothing that can fail, so that `identify` can say what is wrong."""

    def __init__(self) -> None:
        self._workshop: Workshop | None = None

    def identify(self) -> dict[str, str]:
        """Where it runs and what with; texts alone, which any version can read."""
        import ray

        return {"version": __version__, "node_id": ray.get_runtime_context().get_node_id()}

    def open(self, plan: WorkerPlan, model: "ModelParcel | None", bench: Bench) -> Hello:
        """Build everything that tasks need, once; `model` is None for tasks that need none. Raises I2sError."""
        if bench.folder is not None and not bench.folder.is_dir():
            raise EnvironmentFault(
                f"it does not see the output folder {bench.folder.parent.parent}",
                "share that folder under the same name, or add --outputs driver",
            )
        find_floors()
        module, _, function = plan.opener.partition(":")
        opener = getattr(importlib.import_module(module), function)
        workshop: Workshop = opener(plan.settings, _unpacked(model), bench)
        self._workshop = workshop
        return workshop.hello

    def work(self, tasks: Sequence[Task]) -> Answer:
        """Do some tasks."""
        if self._workshop is None:
            raise RuntimeError("work before open")
        return self._workshop.work(tasks)

    def sign(self) -> Sign:
        """How far it is. That it answers says less: what hangs may be the thread that works."""
        return Sign(self._workshop.progress, self._workshop.news()) if self._workshop else Sign(0)

    def leave(self) -> None:
        """Leave nothing on this machine; it does no tasks after that."""
        remove_scratch()

    def stop(self) -> None:
        """End what is under way soon."""
        if self._workshop is not None:
            self._workshop.stop()


def _unpacked(model: "ModelParcel | None") -> str:
    if model is None:
        return ""
    from i2s_trt.cluster.model import unpack_model

    return unpack_model(model)


def remote_actor(node_id: str = "", **options: Any) -> Any:
    """Have Ray start an actor; its handle. It runs on the machine that Ray calls so, if any, as long as that lives."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    if node_id:
        options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node_id, soft=True)
    return ray.remote(Actor).options(max_restarts=0, max_task_retries=0, **options).remote()
