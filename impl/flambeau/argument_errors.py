"""The texts of PyTorch's argument errors."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from .argument_types import type_name
from .keyword_order import map_order
from .schema import Signature

__all__ = ["extra_keywords_text", "invalid_combination_text", "no_arguments_text", "too_many_text"]


def too_many_text(signature: Signature, count: int) -> str:
    most, least = signature.max_positional, signature.min_args
    if least != most:
        return f"{signature.name}() takes from {least} to {most} positional arguments but {count} were given"
    were = "was" if count == 1 else "were"
    return f"{signature.name}() takes {most} positional argument{'s' if most != 1 else ''} but {count} {were} given"


def extra_keywords_text(signature: Signature, kwargs: Mapping[str, Any], count: int) -> str:
    names = [p.name for p in signature.parameters]
    for keyword in kwargs:
        if keyword not in names:
            return f"{signature.name}() got an unexpected keyword argument '{keyword}'"
        if names.index(keyword) < count:
            return f"{signature.name}() got multiple values for argument '{keyword}'"
    return "invalid keyword arguments"


def no_arguments_text(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    if kwargs:
        return f"{name}() takes no keyword arguments"
    return f"{name}() takes no arguments ({len(args)} given)"


def invalid_combination_text(name: str, options: list[str], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    keywords = {k: kwargs[k] for k in map_order(kwargs)}
    text = f"{name}() received an invalid combination of arguments - "
    if len(options) == 1:
        fields = _printed_fields(options[0])
        if unmatched := _unmatched_keywords(fields, keywords):
            return text + f"got unrecognized keyword arguments: {', '.join(unmatched)}"
        count_matches = len(fields) == len(args) + len(keywords)
        got = _marked_types(fields, args, keywords) if count_matches else _plain_types(args, keywords)
        return text + f"got {got}, but expected {options[0]}"
    text += f"got {_plain_types(args, keywords)}, but expected one of:\n"
    for option in options:
        text += f" * {option}\n"
        fields = _printed_fields(option)
        if len(fields) != len(args) + len(keywords):
            continue
        text += "      didn't match because some of the "
        if unmatched := _unmatched_keywords(fields, keywords):
            text += f"keywords were incorrect: {', '.join(unmatched)}\n"
        else:
            text += f"arguments have invalid types: {_marked_types(fields, args, keywords)}\n"
    return text


def _printed_fields(option: str) -> list[tuple[str, str]]:
    """(type, name) as PyTorch's formatter reads them back from the printed text: at the last blank.

    So `*` counts as an argument, and `bool keepdim = False` is one named "False"; its texts depend on both.
    """
    fields = []
    for text in option[1:-1].split(", "):
        kind, _, name = text.rpartition(" ")
        fields.append((kind or text, name))
    return fields


def _unmatched_keywords(fields: list[tuple[str, str]], keywords: Mapping[str, Any]) -> list[str]:
    names = [name for _, name in fields[max(len(fields) - len(keywords), 0) :]]
    return [keyword for keyword in keywords if keyword not in names]


def _plain_types(args: Sequence[Any], keywords: Mapping[str, Any]) -> str:
    texts = [type_name(arg) for arg in args] + [f"{k}={type_name(v)}" for k, v in keywords.items()]
    # PyTorch takes the last comma away only after positional arguments.
    return f"({', '.join(texts)}{', ' if keywords and not args else ''})"


def _marked_types(fields: list[tuple[str, str]], args: Sequence[Any], keywords: Mapping[str, Any]) -> str:
    red, end_red, green, end_green = "!", "!", "", ""
    if os.isatty(1) and os.isatty(2):
        red, end_red, green, end_green = "\33[31;1m", "\33[0m", "\33[32;1m", "\33[0m"
    texts = []
    for i, (kind, name) in enumerate(fields):
        value = args[i] if i < len(args) else keywords[name]
        accepted = {"float": ("float", "int", "long"), "int": ("int", "long")}.get(kind, (kind,))
        text = "" if i < len(args) else f"{name}="
        if isinstance(value, (tuple, list)):
            elements = ", ".join(map(type_name, value))
            if isinstance(value, tuple):
                text += f"{type_name(value)} of ({elements}{',' if len(value) == 1 else ''})"
            else:
                text += f"{type_name(value)} of [{elements}]"
        else:
            text += type_name(value)
        matches = type_name(value) in accepted
        texts.append(f"{green}{text}{end_green}" if matches else f"{red}{text}{end_red}")
    return f"({', '.join(texts)}{', ' if keywords and not args else ''})"
