"""Schemas of functions and methods, in the words PyTorch prints them in.

An example: "sum(Tensor input, tuple of ints[1]? dim, bool keepdim=False, *, torch.dtype dtype=None, Tensor out=None)".

Beyond what PyTorch prints, a schema says: `type?` accepts None; `tuple of ints[2]` also accepts one int, repeated
twice; `Tensor|Number` also accepts Python numbers; `index` is an `int` that takes any object with `__index__`
(PyTorch's SymInt); `|deprecated` or `|hidden` after the closing parenthesis keeps a signature out of the error texts;
deprecated ones are tried last and warn once.
"""

import functools
import re
from dataclasses import dataclass, field

__all__ = ["KINDS", "Parameter", "Signature", "parse_signature"]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a signature: `size` is the n of `tuple of ints[n]` or 0, `default` the text after `=`."""

    name: str
    kind: str
    keyword_only: bool = False
    allow_none: bool = False
    size: int = 0
    default: str | None = None
    numbers: bool = False

    @property
    def optional(self) -> bool:
        return self.default is not None

    @property
    def type_name(self) -> str:
        return _PRINTED_KINDS.get(self.kind, self.kind)

    @property
    def aliases(self) -> tuple[str, ...]:
        """NumPy's names for this parameter, accepted as keywords."""
        return _NUMPY_NAMES.get(self.name, ())

    def __str__(self) -> str:
        return f"{self.type_name} {self.name}" + (f" = {self.default}" if self.optional else "")


_PRINTED_KINDS = {"index": "int"}
_NUMPY_NAMES = {"dim": ("axis",), "keepdim": ("keepdims",), "input": ("x", "a", "x1"), "other": ("x2",)}


@dataclass(frozen=True)
class Signature:
    """One schema, parsed. `str()` is the text PyTorch prints for it in a list of signatures."""

    name: str
    parameters: tuple[Parameter, ...]
    deprecated: bool = False
    hidden: bool = False
    min_args: int = field(init=False)
    max_positional: int = field(init=False)
    varargs: bool = field(init=False)
    keywords: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        positional = [p for p in self.parameters if not p.keyword_only]
        set_ = functools.partial(object.__setattr__, self)
        set_("min_args", sum(not p.optional for p in self.parameters))
        set_("max_positional", len(positional))
        # A single positional int list may be spelled out: x.view(2, 3) is x.view((2, 3)).
        # where the list has a size, one int is already all of it
        set_("varargs", len(positional) == 1 and positional[0].kind == "tuple of ints" and not positional[0].size)
        set_("keywords", frozenset(name for p in self.parameters for name in (p.name, *p.aliases)))

    def __str__(self) -> str:
        texts = [str(p) for p in self.parameters]
        if self.max_positional < len(texts):
            texts[self.max_positional] = "*, " + texts[self.max_positional]
        return f"({', '.join(texts)})"


KINDS = frozenset(
    {
        "Tensor",
        "Number",
        "int",
        "index",
        "float",
        "complex",
        "bool",
        "str",
        "object",
        "tuple of ints",
        "tuple of Tensors",
        "tuple of floats",
        "tuple of bools",
        "tuple of Scalars",
        "name",
        "tuple of names",
        "torch.dtype",
        "torch.device",
        "torch.Generator",
        "torch.layout",
        "torch.memory_format",
        "torch.qscheme",
        "torch.Storage",
        "torch.Stream",
        "DispatchKeySet",
    }
)

# Only these functions take Python numbers for their Tensor parameters (the others have overloads for them).
_NUMBERS_AS_TENSORS = frozenset(
    name + suffix
    for name in ("add", "div", "divide", "mul", "multiply", "sub", "subtract", "true_divide", "floor_divide")
    for suffix in ("", "_")
) | {"to", "copy_"}

_SCHEMA = re.compile(r"(\w+)\((.*)\)(\|deprecated|\|hidden)?$", re.DOTALL)
_PARAMETER = re.compile(r"(.+?)(\|Number)?(?:\[(\d+)\])?(\?)? (\w+)(?:\s?=\s?(.*))?$", re.DOTALL)


@functools.cache
def parse_signature(schema: str) -> Signature:
    """Parse a schema such as "add(Tensor input, Tensor other, *, Number alpha=1)"; ValueError if it is malformed."""
    outer = _SCHEMA.match(schema)
    if outer is None:
        raise ValueError(f"malformed schema: {schema}")
    name, body, mark = outer.groups()
    parameters: list[Parameter] = []
    keyword_only = False
    for text in body.split(", ") if body else ():
        if text == "*":
            keyword_only = True
            continue
        match = _PARAMETER.match(text)
        if match is None or _kind_name(match[1]) not in KINDS:
            raise ValueError(f"malformed parameter '{text}' in schema: {schema}")
        kind, numbers, size, question, parameter, default = match.groups()
        parameters.append(
            Parameter(
                name=parameter,
                kind=_kind_name(kind),
                keyword_only=keyword_only,
                allow_none=question is not None or default == "None",
                size=int(size or 0),
                default=default,
                numbers=kind == "Tensor" and (numbers is not None or name in _NUMBERS_AS_TENSORS),
            )
        )
    return Signature(name, tuple(parameters), mark == "|deprecated", mark is not None)


def _kind_name(text: str) -> str:
    return {"Generator": "torch.Generator", "SymInt": "index"}.get(text, text)
