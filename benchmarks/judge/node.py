"""Runs the judge's script with Node, in a process of its own."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.judge.verdicts import Answer, read_answer
from i2s_trt.arrays import Pixels
from i2s_trt.errors import EnvironmentFault
from i2s_trt.images.compose import write_png

HERE = Path(__file__).parent
MODULES = HERE.parent.parent / "out" / "judge"  # outside the packages, which would be full of them
_SCRIPT = HERE / "judge.mjs"
_PATIENCE, _PATIENCE_EACH = 120, 30  # seconds, in all and for each picture


def needed_modules() -> dict[str, str]:
    """Versions by name."""
    needed: dict[str, str] = json.loads((HERE / "package.json").read_text())["dependencies"]
    return needed


def ask(pictures: Mapping[str, Pixels], modules: Path = MODULES) -> Answer:
    """What the judge says of pictures, by their names.

    Args:
        pictures: uint8 [H, W, 3] each, square, of aligned faces.
        modules: folder with `node_modules`.

    Raises:
        EnvironmentFault: Node or its modules are missing, or the script fails.
        JudgeError: the script's answer cannot be read.
    """
    node = find_node()
    check_modules(modules)
    with tempfile.TemporaryDirectory(prefix="i2s-trt-judge-") as folder:
        files = {name: Path(folder) / f"{number}.png" for number, name in enumerate(pictures)}
        for name, path in files.items():
            write_png(path, pictures[name])
        question = json.dumps({"pictures": {name: str(path) for name, path in files.items()}})
        return read_answer(_run([node, str(_SCRIPT), str(modules)], question, _PATIENCE + _PATIENCE_EACH * len(files)))


def find_node() -> str:
    """The program. Raises EnvironmentFault where it is missing."""
    node = shutil.which("node")
    if node is None:
        raise EnvironmentFault("the judge runs in Node, which is not installed", "install Node 20 or newer")
    return node


def check_modules(modules: Path) -> None:
    """Raises EnvironmentFault where some are missing or of another version."""
    for name, version in needed_modules().items():
        manifest = modules / "node_modules" / name / "package.json"
        if not manifest.is_file():
            raise EnvironmentFault(f"{modules} has no module {name}", _installation(modules))
        found = json.loads(manifest.read_text())["version"]
        if found != version:
            raise EnvironmentFault(f"{modules} has {name} {found}, not {version}", _installation(modules))


def _installation(modules: Path) -> str:
    copy = f"mkdir -p {modules} && cp {HERE / 'package.json'} {modules}"
    return f"{copy} && npm install --ignore-scripts --no-package-lock --prefix {modules}"


def _run(command: list[str], question: str, patience: float) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # a fixed command
            command, input=question, capture_output=True, text=True, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFault(f"the judge took longer than {patience:.0f} s", "run it on an idle machine") from error
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if "Error" in line]
        said = (lines or [f"status {done.returncode}"])[0][:300]
        raise EnvironmentFault(f"the judge's script failed: {said}", "install its modules again, with Node 20 or newer")
    return done.stdout
