"""Small fakes of the hosts' documented interfaces, and the extension folders as users copy them."""

from __future__ import annotations

import ast
import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import assay.provenance.generation as generation

FOLDERS = Path(generation.__file__).parent
HOST_PYTHON = (3, 10)
"""The oldest that the hosts run on."""


def copied(name: str, to: Path) -> Path:
    """The extension folder, copied as its README says."""
    return Path(shutil.copytree(FOLDERS / name, to / f"assay-{name}"))


def loaded(path: Path, name: str) -> ModuleType:
    """A module from a file, as the hosts load extensions."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def fake(name: str, **contents: Any) -> ModuleType:
    """A module with these contents."""
    module = ModuleType(name)
    vars(module).update(contents)
    return module


def imports(path: Path) -> set[str]:
    """First parts of the names of the modules that a file imports, its own folder left out."""
    tree = ast.parse(path.read_text(), feature_version=HOST_PYTHON)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(str(node.module).partition(".")[0])
    return found
