"""Answer `import torch` and `import torch.X` with flambeau, in this process."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Loader(Loader):
    """Hands out a module that is loaded already."""

    def __init__(self, found: ModuleType) -> None:
        self.found = found
        self.spec = found.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.found

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec


class _Finder(MetaPathFinder):
    """Finds `torch` and `torch.X` in flambeau."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "torch" and not fullname.startswith("torch."):
            return None
        own = "flambeau" + fullname.removeprefix("torch")
        try:
            found = importlib.import_module(own)
        except ModuleNotFoundError as error:
            if error.name != own:
                raise
            raise ModuleNotFoundError(f"No module named '{fullname}' (flambeau has none yet)", name=fullname) from None
        return ModuleSpec(fullname, _Loader(found))


def answer_torch() -> None:
    """From now on `import torch` gives flambeau. Raises RuntimeError if torch is imported already."""
    loaded = sys.modules.get("torch")
    if loaded is not None and loaded.__name__ != "flambeau":
        raise RuntimeError("torch is imported already; flambeau can stand in for it only before that")
    if not any(isinstance(f, _Finder) for f in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
