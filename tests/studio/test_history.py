"""The history: a tree that survives, within bounds."""

from pathlib import Path

import pytest

from i2s_trt.errors import UsageError
from i2s_trt.studio.history import FILE, History
from i2s_trt.studio.protocol import Edit, NewNode

EDIT = Edit.model_validate({"base": {"kind": "random", "seed": 1}})


def _add(history: History, parent: int | None = None) -> int:
    return history.add(NewNode(parent=parent, edit=EDIT, label="drawn")).id


def test_undo_and_another_way_make_a_branch_that_is_kept(tmp_path: Path) -> None:
    history = History(tmp_path)
    root = _add(history)
    first = _add(history, root)
    assert history.go(root).current == root
    second = _add(history, root)
    kept = History(tmp_path).answer()
    assert [(node.id, node.parent) for node in kept.nodes] == [(root, None), (first, root), (second, root)]
    assert kept.current == second
    assert kept.nodes[0].edit == EDIT


def test_of_too_many_the_oldest_leaf_goes_then_the_root(tmp_path: Path) -> None:
    history = History(tmp_path, most=3)
    root = _add(history)
    branch = _add(history, root)
    last = _add(history, root)
    last = _add(history, last)
    assert branch not in {node.id for node in history.answer().nodes}
    last = _add(history, last)
    nodes = history.answer().nodes
    assert len(nodes) == 3
    assert nodes[0].parent is None
    assert nodes[-1].id == last


def test_unknown_nodes_are_refused_and_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    history = History(tmp_path)
    with pytest.raises(UsageError, match="no node 7"):
        history.go(7)
    with pytest.raises(UsageError, match="no node 7"):
        _add(history, 7)
    (tmp_path / FILE).write_text("{")
    assert History(tmp_path).answer().nodes == []
