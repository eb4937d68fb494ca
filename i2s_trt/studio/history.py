"""The history: a tree of edits, kept in a file beside the shelf, of so many nodes at most."""

import threading
import time
from pathlib import Path

from pydantic import ValidationError

from i2s_trt.errors import UsageError
from i2s_trt.files import write_bytes
from i2s_trt.studio.protocol import HistoryAnswer, NewNode, Node

FILE = "history.json"
MOST = 500


class History:
    """Edits, each after another; undo goes to a node's parent, redo to a child. Threads may share it.

    Args:
        folder: of the file, which is read if it is there; a damaged one is begun anew.
        most: nodes that are kept. Of more the oldest leaf goes, or the root where there is a single line.
    """

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self._path, self._most, self._lock = folder / FILE, most, threading.Lock()
        self._nodes: dict[int, Node] = {}
        self._current: int | None = None
        self._read()

    def answer(self) -> HistoryAnswer:
        """The whole tree."""
        with self._lock:
            return self._answer()

    def add(self, new: NewNode) -> Node:
        """Put an edit after its parent, and go there.

        Raises:
            UsageError: there is no such parent.
            EnvironmentFault: the file cannot be written.
        """
        with self._lock:
            self._refuse_unknown(new.parent)
            number = max(self._nodes, default=0) + 1
            node = Node(id=number, parent=new.parent, edit=new.edit, label=new.label, time=time.time())
            self._nodes[number], self._current = node, number
            while len(self._nodes) > self._most:
                self._forget_one()
            self._write()
            return node

    def go(self, number: int) -> HistoryAnswer:
        """Show another node. Raises UsageError where there is none, EnvironmentFault where that cannot be kept."""
        with self._lock:
            self._refuse_unknown(number)
            self._current = number
            self._write()
            return self._answer()

    def _answer(self) -> HistoryAnswer:
        return HistoryAnswer(nodes=list(self._nodes.values()), current=self._current)

    def _refuse_unknown(self, number: int | None) -> None:
        if number is not None and number not in self._nodes:
            raise UsageError(f"the history has no node {number}", "GET /api/history lists what there is")

    def _forget_one(self) -> None:
        parents = {node.parent for node in self._nodes.values()}
        leaves = [number for number in self._nodes if number not in parents and number != self._current]
        gone = min(leaves or self._nodes)
        del self._nodes[gone]
        for number, node in self._nodes.items():
            if node.parent == gone:
                self._nodes[number] = node.model_copy(update={"parent": None})

    def _read(self) -> None:
        try:
            kept = HistoryAnswer.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return
        self._nodes = {node.id: node for node in kept.nodes}
        self._current = kept.current if kept.current in self._nodes else None

    def _write(self) -> None:
        write_bytes(self._path, self._answer().model_dump_json(by_alias=True).encode())
