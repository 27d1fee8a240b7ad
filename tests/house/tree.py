"""Reads the source tree for the house rules; used by the tests of this folder only."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file, read and parsed."""

    path: Path  # relative to the top of the tree
    source: str
    tree: ast.Module

    @property
    def lines(self) -> list[str]:
        """Return its lines without their ends."""
        return self.source.splitlines()

    def at(self, node: ast.stmt | ast.expr | ast.excepthandler | ast.alias) -> str:
        """Say where a node stands, as an editor reads it."""
        return f"{self.path}:{node.lineno}"


@cache
def project_files() -> tuple[Path, ...]:
    """List what is committed or about to be: everything git does not ignore, relative to the top of the tree."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(sorted({Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()}))


@cache
def modules(top: str) -> tuple[Module, ...]:
    """Return every Python file under a folder at the top of the tree."""
    found = []
    for path in project_files():
        if path.suffix == ".py" and path.parts[0] == top:
            source = (ROOT / path).read_text(encoding="utf-8")
            found.append(Module(path, source, ast.parse(source, str(path))))
    return tuple(found)


def imports(module: Module) -> Iterator[tuple[str, ast.Import | ast.ImportFrom]]:
    """Name everything a module imports, as dotted names with what is taken from them."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield f"{'.' * node.level}{node.module or ''}.{alias.name}", node


def dotted(node: ast.expr) -> str:
    """Write an attribute chain as it stands in the source: `datetime.datetime.now`; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""
