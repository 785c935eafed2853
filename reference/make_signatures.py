"""Write signatures-<version>.json: the schemas of PyTorch's C functions and methods, as asked of the installed torch.

Overloaded functions print all their signatures when called with far too many arguments. What the print leaves out
(which parameter takes None, or one int for a list), and the functions with one signature, come from the schema literals
in libtorch_python; a literal is taken only where it prints the very same text, or answers the same errors as torch.

    python reference/make_signatures.py        # needs torch; flambeau never reads the file
"""

import inspect
import json
import re
import sys
import types
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "impl"))
from torch_types import STAND_INS, sample

from flambeau import signatures as parsing

NAMESPACES = {
    "torch": torch,
    "torch.nn.functional": torch.nn.functional,
    "torch.linalg": torch.linalg,
    "torch.fft": torch.fft,
    "torch.special": torch.special,
    "torch.sparse": torch.sparse,
    "torch._C._nn": torch._C._nn,
}

NOTATION = {
    "Scalar": "Number",
    "int64_t": "int",
    "DeviceIndex": "int",
    "SymInt": "index",
    "double": "float",
    "TensorList": "tuple of Tensors",
    "c10::List<::std::optional<Tensor>>": "tuple of Tensors",
    "IntArrayRef": "tuple of ints",
    "SymIntArrayRef": "tuple of ints",
    "ArrayRef<double>": "tuple of floats",
    "ScalarList": "tuple of Scalars",
    "Generator": "torch.Generator",
    "ScalarType": "torch.dtype",
    "Layout": "torch.layout",
    "MemoryFormat": "torch.memory_format",
    "QScheme": "torch.qscheme",
    "Device": "torch.device",
    "Storage": "torch.Storage",
    "Stream": "torch.Stream",
    "PyObject*": "object",
    "Dimname": "name",
    "DimnameList": "tuple of names",
    "std::string": "str",
    "std::string_view": "str",
    "c10::string_view": "str",
}
NUMBERS_AS_TENSORS = re.compile(r"(add|div|divide|mul|multiply|sub|subtract|true_divide|floor_divide)_?$|to$|copy_$")


def literals() -> dict[str, list[str]]:
    """Schema literals by function name, in this project's notation; whole literals before the tails of others."""
    library = Path(torch.__file__).parent / "lib" / "libtorch_python.so"
    found: dict[str, list[str]] = defaultdict(list)
    wholes: Counter[str] = Counter()
    for raw in re.findall(rb"[\x20-\x7e]{6,}", library.read_bytes()):
        text = raw.decode()
        outer = re.match(r"\w+\((.*)\)(\|deprecated|\|hidden)?$", text)
        if outer is None:
            continue
        # The linker shares tails: "sum(…)" may exist only as the end of "nansum(…)".
        whole = text[: text.index("(")]
        for start in range(len(whole)):
            schema = in_notation(whole[start:], outer[1], outer[2] or "")
            if schema is not None and schema not in found[whole[start:]]:
                found[whole[start:]].insert(wholes[whole] if start == 0 else len(found[whole[start:]]), schema)
                wholes[whole] += start == 0
    return found


def in_notation(name: str, body: str, mark: str) -> str | None:
    parameters = []
    for text in body.split(", ") if body else ():
        if text == "*":
            parameters.append(text)
            continue
        match = re.match(r"([\w:*]+(?:<.*>)?)(\[\d+\])?(\??) (\w+(?:=.*)?)$", text)
        if match is None:
            return None
        kind, size, question, rest = match.groups()
        numbers = "|Number" if kind == "Tensor" and NUMBERS_AS_TENSORS.match(name) else ""
        parameters.append(f"{NOTATION.get(kind, kind)}{numbers}{size or ''}{question} {rest}")
    schema = f"{name}({', '.join(parameters)}){mark}"
    try:
        parsing.parse_signature(schema)
    except ValueError:
        return None
    return schema


class Probe:
    """An argument that no parameter type accepts."""


def error_text(call: Callable[..., Any], *args: Any, **kwargs: Any) -> str | None:
    """The text of the TypeError the call raises; None where it raises none."""
    try:
        call(*args, **kwargs)
    except TypeError as error:
        return str(error)
    except Exception:
        return None
    return None


def printed_signatures(text: str) -> list[str]:
    if "invalid combination of arguments" not in text:
        return []
    one = re.search(r"but expected (\(.*\))$", text)
    return [one[1]] if one else re.findall(r"^ \* (\(.*\))$", text, re.MULTILINE)


def schemas_of(call: Callable[..., Any], known: dict[str, list[str]], method: bool) -> list[str] | str:
    """The schemas of one function, or in words why it has none."""
    too_many = error_text(call, *[Probe()] * 60)
    if too_many is None:
        return "takes anything, or raises another error than TypeError"
    named = re.match(r"(\w+)\(\) (takes|received)", too_many)
    bare = re.match(r".*?(\w+)\(\) takes no arguments \(60 given\)$", too_many)
    if bare is not None:
        return [f"{bare[1]}()"]
    if named is None:
        return f"no signature parser: {too_many.splitlines()[0][:100]}"
    name = named[1]
    candidates = known.get(name, [])
    printed = printed_signatures(too_many)
    if printed:
        schemas = []
        for text in printed:
            matching = [c for c in candidates if "|" not in c.rpartition(")")[2] and printed_text(c) == text]
            schemas.append(matching[0] if matching else name + from_print(text))
        hidden = [c for c in candidates if c.endswith("|deprecated") and is_function_form(c) != method]
        return schemas + [c for c in hidden if takes(call, c)]
    matching = [c for c in candidates if not c.endswith("|deprecated")]
    keywords = {p.name for c in matching for p in parsing.parse_signature(c).parameters if p.keyword_only}
    matching = [c for c in matching if answers_alike(c, call, keywords)]
    return matching[:1] or f"no literal answers as {too_many.splitlines()[0][:100]}"


def takes(call: Callable[..., Any], schema: str) -> bool:
    """Whether torch binds positional arguments that fit the schema, whatever the operation then says of them."""
    signature = parsing.parse_signature(schema)
    text = error_text(call, *[sample(p) for p in signature.parameters if not p.keyword_only])
    return text is None or not text.startswith(f"{signature.name}()")


def is_function_form(schema: str) -> bool:
    return "Tensor input" in schema or "Tensor|Number input" in schema


def printed_text(schema: str) -> str:
    return str(parsing.parse_signature(schema))


def from_print(text: str) -> str:
    return text.replace(" = ", "=")


def answers_alike(schema: str, call: Callable[..., Any], keywords: set[str]) -> bool:
    """Whether binding to `schema` fails as torch does: each argument wrong in turn or None, too few, too many."""
    parser = parsing.Parser(schema.partition("(")[0], schema)
    parameters = parser.signatures[0].parameters
    good = [sample(p) for p in parameters if not p.keyword_only]
    required = {p.name: sample(p) for p in parameters if p.keyword_only and not p.optional}
    probes: list[tuple[list[Any], dict[str, Any]]] = [([], {}), ([Probe()] * 60, {})]
    for i in range(len(good)):
        probes += [([*good[:i], Probe()], {}), ([*good[:i], None, *good[i + 1 :]], required)]
    for keyword in keywords:
        bad: list[Any] = [Probe(), [torch.ones(1)] * 7]
        probes += [(good, required | {keyword: value}) for value in bad]
    for args, kwargs in probes:
        ours, theirs = error_text(parser.bind, args, kwargs), error_text(call, *args, **kwargs)
        # Where binding succeeds, torch may still refuse for another reason.
        if ours != theirs and (
            ours is not None or f"{parser.name}()" in str(theirs) or "expected tuple" in str(theirs)
        ):
            return False
    return True


def public_functions() -> Iterator[tuple[str, Any]]:
    for path, namespace in NAMESPACES.items():
        for name in sorted(dir(namespace)):
            value = getattr(namespace, name)
            if not name.startswith("_") and callable(value) and not isinstance(value, (type, types.ModuleType)):
                yield f"{path}.{name}", value


def main() -> None:
    warnings.simplefilter("ignore")
    known = literals()
    record: dict[str, Any] = {"torch": torch.__version__.partition("+")[0]}
    functions: dict[str, list[str]] = {}
    methods: dict[str, list[str]] = {}
    python: dict[str, str] = {}
    without: dict[str, str] = {}

    def sort_in(path: str, value: Any, target: dict[str, list[str]], key: str, method: bool) -> None:
        if inspect.isfunction(value):
            python[path] = str(inspect.signature(value))
            return
        call = (lambda *args, **kwargs: value(torch.ones(2, 2), *args, **kwargs)) if method else value
        answer = schemas_of(call, known, method)
        if isinstance(answer, str):
            without[path] = answer
        else:
            target[key] = answer

    with parsing.registered(**STAND_INS):
        for path, value in public_functions():
            sort_in(path, value, functions, path, method=False)
        for name in sorted(dir(torch.Tensor)):
            value = getattr(torch.Tensor, name)
            if callable(value) and (not name.startswith("_") or hasattr(torch._C.TensorBase, name)):
                sort_in(f"torch.Tensor.{name}", value, methods, name, method=True)
    record |= {"functions": functions, "methods": methods, "python": python, "without_schema": without}
    target = Path(__file__).parent / f"signatures-{'.'.join(record['torch'].split('.')[:2])}.json"
    target.write_text(json.dumps(record, indent=1) + "\n")
    print(
        f"{target}: {len(functions)} functions, {len(methods)} methods, {len(python)} in Python, {len(without)} without"
    )


if __name__ == "__main__":
    main()
