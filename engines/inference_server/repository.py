"""Writes a model repository for Triton Inference Server, from engines that are built.

A client sends what varies, `w_plus` or `z`, and gets pictures; the noise is a constant of the model: nobody sends it.

`onnxruntime`: the noise gets default values inside the ONNX file (see `graphs.with_constants`). Triton's backend
does not count such inputs among those it requires; requests are gathered into batches. The graphs are of opset 22:
Triton's ONNX Runtime has to be 1.20 or newer.

`tensorrt`: a plan has no default inputs, and Triton supplies none. So a plan with noise becomes three models: the plan,
`<name>_constants`, a tiny ONNX graph that gives the noise, and the ensemble `<name>` which joins them and is what
clients call. Triton batches only tensors that all have the batch as their first side, which the noise has not: these
plans run requests as they come, and a client that wants speed sends batches itself. Plans without noise are batched.

`tensorrt-rtx`: Triton has no backend for it.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.inference_server.config import Config, Port, model_config, step, to_text
from engines.inference_server.graphs import constants_model, load_constants, ports, with_constants
from engines.tensorrt.cache import Entry
from engines.tensorrt.engine import checked_plan
from i2s_trt.arrays import Array
from i2s_trt.errors import UsageError
from i2s_trt.files import guard_os_errors, make_folder, write_bytes

if TYPE_CHECKING:
    from engines.plan import Prospect
    from export.keys import ExportedGraph

_VERSION = "1"
_FILES = ("model.onnx", "model.plan")


@dataclass(frozen=True)
class TritonModel:
    """One folder of the repository.

    Attributes:
        config: for `config.pbtxt`.
        comment: its first lines.
        file: name in the version's folder; empty for an ensemble.
        data: the file's bytes.
    """

    config: Config
    comment: str
    file: str = ""
    data: bytes = b""

    @property
    def name(self) -> str:
        """Name of the folder, which clients use too."""
        return str(self.config["name"])


def write_repository(folder: Path, model: str, prospects: "Sequence[Prospect]") -> list[str]:
    """Write every engine as a Triton model; folders of the same name are brought up to date.

    Args:
        folder: the repository.
        model: what the models' names start with.
        prospects: of engines that are all there.

    Returns:
        The names that clients call: one an engine.

    Raises:
        UsageError: an engine is missing, of tensorrt-rtx, does not take single requests, or two have one name.
        EngineError: a plan is damaged.
        EnvironmentFault: the folder cannot be written.
    """
    names = [triton_name(model, prospect.request.graph) for prospect in prospects]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"--triton: two engines for {', '.join(twice)}", "write each precision to a folder of its own")
    models = [part for name, prospect in zip(names, prospects, strict=True) for part in _models(name, prospect)]
    for part in models:  # nothing is written before everything is known to be sound
        _write(folder / part.name, part)
    return names


def triton_name(model: str, graph: str) -> str:
    """`<model>_<graph>` in the letters that Triton and URLs take."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{model}_{graph}").lstrip("-.")


def _models(name: str, prospect: "Prospect") -> Iterator[TritonModel]:
    request, exported = prospect.request, prospect.exported
    if request.backend == "tensorrt-rtx":
        raise UsageError(
            "--triton: Triton has no backend for tensorrt-rtx", "take --backend onnxruntime, or tensorrt on a GPU"
        )
    if exported is None or not prospect.complete:
        raise UsageError(f"--triton: the {request.graph} engine is not built", "leave out --dry-run")
    constants = load_constants(exported.defaults)
    if isinstance(prospect.engine, Entry):
        return _plan_models(name, prospect, prospect.engine, constants)
    return iter([_onnx_model(name, prospect, exported, constants)])


def _onnx_model(
    name: str, prospect: "Prospect", exported: "ExportedGraph", constants: Mapping[str, Array]
) -> TritonModel:
    import onnx

    with guard_os_errors(exported.path):
        data = exported.path.read_bytes()
    if hashlib.sha256(data).hexdigest() != exported.record["sha256"]:
        raise UsageError(f"{exported.path} is not the file that was exported", "run i2s-trt build-engines again")
    graph = onnx.load_from_string(data).graph
    inputs = [port for port in ports(graph.input) if port.name not in constants]
    config = model_config(name, "onnxruntime_onnx", inputs, ports(graph.output), prospect.request.profile)
    comment = f"{prospect.request.graph} in {prospect.request.precision}, written by i2s-trt"
    return TritonModel(config, comment, "model.onnx", with_constants(data, constants))


def _plan_models(
    name: str, prospect: "Prospect", entry: Entry, constants: Mapping[str, Array]
) -> Iterator[TritonModel]:
    key, profile = entry.record["key"], prospect.request.profile
    data, record = checked_plan(entry, key["backend"], key["version"])
    if profile.smallest > 1:
        raise UsageError(f"--triton: {name} takes no single request", f"build with --batch 1,{profile.largest}")
    inputs, outputs = _ports(record["inputs"]), _ports(record["outputs"])
    comment = (
        f"{key['graph']} in {key['precision']}, written by i2s-trt\n"
        f"The plan runs in TensorRT {key['version']} only, on {key['device'] or 'its GPU'}."
    )
    if not constants:
        yield TritonModel(model_config(name, "tensorrt_plan", inputs, outputs, profile), comment, "model.plan", data)
        return
    free = [port for port in inputs if port.name not in constants]
    fixed = [port for port in inputs if port.name in constants]
    plan = TritonModel(
        model_config(f"{name}_plan", "tensorrt_plan", inputs, outputs),
        f"{comment}\nClients call {name}.", "model.plan", data,
    )  # fmt: skip
    giver = TritonModel(
        model_config(f"{name}_constants", "onnxruntime_onnx", free[:1], fixed), f"The noise of {name}.",
        "model.onnx", constants_model(free[0], {port.name: constants[port.name] for port in fixed}),
    )  # fmt: skip
    yield from (plan, giver, TritonModel(_ensemble(name, (giver, plan), free, outputs), comment))


def _ensemble(name: str, parts: Sequence[TritonModel], inputs: Sequence[Port], outputs: Sequence[Port]) -> Config:
    steps = [
        step(p.name, [i["name"] for i in p.config["input"]], [o["name"] for o in p.config["output"]]) for p in parts
    ]
    return {**model_config(name, "ensemble", inputs, outputs), "ensemble_scheduling": {"step": steps}}


def _ports(tensors: Sequence[Mapping[str, Any]]) -> list[Port]:
    return [Port(tensor["name"], tensor["dtype"], tuple(tensor["shape"])) for tensor in tensors]


def _write(folder: Path, model: TritonModel) -> None:
    version = make_folder(folder / _VERSION)  # an ensemble's is empty
    if model.file:
        write_bytes(version / model.file, model.data)
    write_bytes(folder / "config.pbtxt", to_text(model.config, model.comment).encode())
    with guard_os_errors(version):
        for stale in set(_FILES) - {model.file}:  # of another backend
            (version / stale).unlink(missing_ok=True)
