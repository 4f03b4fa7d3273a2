"""Compiles a policy module for a gate, in a process of its own. The gate starts it; it is not imported."""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path


def main() -> None:
    """Runs the worker of the native half that is beside this file."""
    here = Path(__file__).resolve().parent
    suffixes = importlib.machinery.EXTENSION_SUFFIXES
    path = next(path for suffix in suffixes if (path := here / f"_native{suffix}").exists())
    spec = importlib.util.spec_from_file_location("_native", path)
    if spec is None or spec.loader is None:
        sys.exit(f"{path} cannot be loaded")
    native = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(native)
    native.compile_worker()


if __name__ == "__main__":
    main()
