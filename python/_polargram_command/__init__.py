"""The command that pip installs: the same that ``cargo install polargram`` gives.

It stands beside the package: to import anything from the package is to import Polars and NumPy first. That takes longer
than a short command runs, and no command needs them.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType

__all__ = ["main"]

_NATIVE = "polargram._polargram"


def main() -> None:
    """Run the command with ``sys.argv`` and exit with its code."""
    sys.exit(_native_module().main(["polargram", *sys.argv[1:]]))


def _native_module() -> ModuleType:
    """Give the native module, loaded without its package, which takes it over if it is imported later."""
    package = find_spec("polargram")
    spec = package and PathFinder.find_spec(_NATIVE, package.submodule_search_locations)
    if _NATIVE in sys.modules or not spec or not spec.loader:
        return importlib.import_module(_NATIVE)
    module = sys.modules[_NATIVE] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
