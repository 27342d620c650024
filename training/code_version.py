"""A hash of the code that a result depends on, so that a cache forgets what older code made."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["code_files", "code_version"]

_ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = ("numpy", "scipy", "edfio")
"""Packages that compute or decode; of another version, results may differ."""

_MODULE_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")


@functools.cache
def code_version(module: str, root: Path = _ROOT) -> str:
    """Hash of a module's source and of all in this checkout that it imports, however far away and however late.

    Parameters
    ----------
    module : str
        Its dotted name.
    root : path
        The checkout.

    Returns
    -------
    str
        Hexadecimal; another one if a line of that code, or the version of a package that computes, is another.
    """
    content = hashlib.sha256()
    for path in code_files(module, root):
        content.update(f"{path.relative_to(root).as_posix()}\0{path.stat().st_size}\0".encode())
        content.update(path.read_bytes())
    for package in _PACKAGES:
        content.update(f"{package} {importlib.metadata.version(package)}\0".encode())
    return content.hexdigest()


def code_files(module: str, root: Path = _ROOT) -> tuple[Path, ...]:
    """Files of a module and of all that it imports, in a fixed order.

    A name of a module in a string counts as an import, since registries load their modules by such names. A package is
    not imported by the import of a module in it: what a package runs when it is loaded is not what its modules compute.
    """
    found: set[Path] = set()
    waiting = {module}
    while waiting:
        name = waiting.pop()
        path = _file(name, root)
        if path is not None and path not in found:
            found.add(path)
            waiting |= _imports(path, name, root)
    return tuple(sorted(found))


@functools.cache
def _imports(path: Path, module: str, root: Path) -> frozenset[str]:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return frozenset(name for node in ast.walk(ast.parse(path.read_bytes())) for name in _named(node, package, root))


def _named(node: ast.AST, package: str, root: Path) -> Iterator[str]:
    """Modules that a node of the syntax tree names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            yield inner if _file(inner, root) is not None else base
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _MODULE_NAME.fullmatch(node.value):
        yield node.value


def _file(module: str, root: Path) -> Path | None:
    stem = root.joinpath(*module.split("."))
    return next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file()), None)
