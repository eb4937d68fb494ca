"""Finds in the source of `engines` every attribute that is taken from a TensorRT object, by following types.

Types start at the module, which is always called `trt`, and at parameters named as in PARAMETERS; they flow through
constructors, through the return types in a recorded surface, through assignments, subscripts and comprehensions.
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MODULE = "module"
PARAMETERS = {
    "trt": MODULE, "builder": "Builder", "network": "INetworkDefinition", "config": "IBuilderConfig",
    "parser": "OnnxParser", "profile": "IOptimizationProfile", "tensor": "ITensor", "engine": "ICudaEngine",
    "context": "IExecutionContext", "runtime": "Runtime", "inspector": "EngineInspector", "cache": "ITimingCache",
}  # fmt: skip
OURS = {"logger", "self", "monitor"}  # parameters that may hold anything else
# files in which these names are not TensorRT's
OTHER_LIBRARIES = {"cuda/graph.py", "onnxruntime/plugin.py", "onnxruntime/runtime.py"}
_RENAMED = {"IParserError": "ParserError"}
_UNTYPED = {"Any", "ModuleType"}


@dataclass(frozen=True, order=True)
class Use:
    """An attribute of a class, or of the module, and where it is taken."""

    owner: str
    attribute: str
    where: str = field(compare=False)


def find_uses(folder: Path, surface: Mapping[str, Any]) -> set[Use]:
    """Every use in a folder's files. Raises AssertionError for a parameter whose type is not known."""
    uses: set[Use] = set()
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        if name in OTHER_LIBRARIES:
            continue
        tree = ast.parse(path.read_text())
        if any(_is_tensorrt(node) for node in ast.walk(tree)) or "trt = " in ast.unparse(tree):
            finder = _Finder(name, surface)
            finder.visit(tree)
            uses |= finder.uses
    return uses


def _is_tensorrt(node: ast.AST) -> bool:
    """A parameter that holds a TensorRT object."""
    untyped = isinstance(node, ast.arg) and node.annotation is not None and ast.unparse(node.annotation) in _UNTYPED
    return isinstance(node, ast.arg) and untyped and node.arg in PARAMETERS


class _Finder(ast.NodeVisitor):
    def __init__(self, file: str, surface: Mapping[str, Any]) -> None:
        self.uses: set[Use] = set()
        self._file, self._classes = file, surface["classes"]
        self._names: dict[str, str | None] = {}
        self._selves: dict[str, str | None] = {}

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        outer, self._selves = self._selves, {}
        for owner in filter(None, map(self._type, node.bases)):
            for method in (item for item in node.body if isinstance(item, ast.FunctionDef)):
                if not method.name.startswith("_"):
                    self._use(owner, method.name, method)
        self.generic_visit(node)
        self._selves = outer

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        outer = dict(self._names)
        for argument in [*node.args.args, *node.args.kwonlyargs]:
            untyped = argument.annotation is not None and ast.unparse(argument.annotation) in _UNTYPED
            self._names[argument.arg] = PARAMETERS.get(argument.arg) if untyped else None
            if untyped and argument.arg not in {*PARAMETERS, *OURS}:
                self._assert_unused(node, argument.arg)
        self.generic_visit(node)
        self._names = outer

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for part, value in zip(target.elts, node.value.elts, strict=True):
                    self._bind(part, self._type(value))
            else:
                self._bind(target, self._type(node.value))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.generic_visit(node)
        self._bind(node.target, self._type(node.value))

    def visit_ListComp(self, node: ast.ListComp) -> None:
        for generator in node.generators:  # they come after the element, and bind its names
            self._bind(generator.target, self._type(generator.iter))
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.generic_visit(node)
        owner = self._type(node.value)
        if owner:
            self._use(owner, node.attr, node)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        owner, name = self._looked_up(node)
        if owner and name:
            self._use(owner, name, node)

    def _bind(self, target: ast.expr, kind: str | None) -> None:
        if isinstance(target, ast.Name):
            self._names[target.id] = kind
        elif isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
            self._selves[target.attr] = kind

    def _use(self, owner: str, attribute: str, node: ast.AST) -> None:
        if not attribute.startswith("__"):
            self.uses.add(Use(owner, attribute, f"{self._file}:{getattr(node, 'lineno', 0)}"))

    def _type(self, node: ast.expr) -> str | None:
        """The TensorRT class of an expression's value, or of its items; None for anything else."""
        match node:
            case ast.Name(id=name):
                kind = self._names.get(name)
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if name in self._selves:
                kind = self._selves[name]
            case ast.Attribute(value=value, attr=name) if self._type(value) == MODULE and not name.startswith("__"):
                kind = name
            case ast.Subscript(value=inner) | ast.ListComp(elt=inner) | ast.NamedExpr(value=inner):
                kind = self._type(inner)
            case ast.Call():
                kind = self._returned(node)
            case _:
                kind = None
        return kind

    def _returned(self, node: ast.Call) -> str | None:
        owner, name = self._looked_up(node)
        if owner and name:
            return name
        if not isinstance(node.func, ast.Attribute):
            return MODULE if ast.unparse(node.func) == "load_tensorrt" else None
        owner = self._type(node.func.value)
        if owner == MODULE:
            return self._type(node.func)
        signatures = self._classes.get(owner, {}).get("methods", {}).get(node.func.attr, []) if owner else []
        kinds = {re.split(r"\.|::", signature.rpartition("-> ")[2])[-1] for signature in signatures}
        found = {_RENAMED.get(kind, kind) for kind in kinds} & set(self._classes)
        return found.pop() if len(found) == 1 else None

    def _looked_up(self, node: ast.Call) -> tuple[str | None, str | None]:
        """`getattr(trt, "Name", None)` and `hasattr(trt, "Name")`."""
        match node:
            case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[owner, ast.Constant(value=str(name)), *_]):
                return self._type(owner), name
        return None, None

    def _assert_unused(self, function: ast.FunctionDef, name: str) -> None:
        taken = [n for n in ast.walk(function) if isinstance(n, ast.Attribute) and ast.unparse(n.value) == name]
        assert not taken, f"{self._file}: what is {name} in {function.name}? Add it to PARAMETERS or OURS"
