"""The studio's server for measurements: the command itself, in a process and with a shelf of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from i2s_trt.errors import EnvironmentFault


@dataclass(frozen=True)
class StudioServer:
    """A server that runs.

    Attributes:
        address: its host and port.
        engine: what it renders with.
        pid: of its process.
    """

    address: str
    engine: str
    pid: int

    def spent(self) -> float:
        """CPU seconds that it has taken."""
        import psutil

        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def peak_memory(self) -> float:
        """MiB that it holds, at the peak where the system tells."""
        import psutil

        status = Path(f"/proc/{self.pid}/status")
        if status.is_file():
            lines = status.read_text().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
        return float(psutil.Process(self.pid).memory_info().rss / 2**20)


@contextmanager
def studio_server(model: str, device: str) -> Iterator[StudioServer]:
    """Start `i2s-trt studio`, and end it.

    Raises:
        EnvironmentFault: it does not start: the extra [studio] is missing, or there is no such device.
    """
    with tempfile.TemporaryDirectory(prefix="i2s-trt-") as folder:
        words = [sys.executable, "-m", "i2s_trt", "studio", "--no-open", "--json", "--port", "0", "--folder", folder]
        process = subprocess.Popen(  # noqa: S603  # our own command
            [*words, "--model", model, "--device", device], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            yield _started(process)
        finally:
            process.terminate()
            process.communicate(timeout=30)


def _started(process: "subprocess.Popen[str]") -> StudioServer:
    """The server once it says where it is. Raises EnvironmentFault when it ends before."""
    engine = ""
    for line in process.stdout or ():
        event = json.loads(line)
        if event.get("event") == "engine":
            engine = str(event["name"])
        if event.get("event") == "studio":
            return StudioServer(urlsplit(event["url"]).netloc, engine, process.pid)
    said = process.communicate()[1].strip().splitlines()
    raise EnvironmentFault(said[0] if said else "the studio did not start", "pip install 'i2s-trt[studio]'")
