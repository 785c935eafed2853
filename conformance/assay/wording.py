"""Errors and warnings, brought to what of their words is compared."""

from __future__ import annotations

import re

from assay.outcome import Error, Outcome

#: What ends the words for a name that the subject does not have.
ABSENT = " is absent"
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|(?<!\w)[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def counted(n: int, noun: str, plural: str = "") -> str:
    """ "1 case", "2,000 cases"."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def normalised(text: str) -> str:
    """Text with numbers and addresses replaced, so that only its words are compared.

    CPython itself names a built-in method after its class or after its instance's, by how it is called.
    """
    return _NUMBER.sub("#", text).replace("TensorBase.", "Tensor.")


def first_line(error: Error) -> str:
    """The first line of its text."""
    return error.text.strip().split("\n", 1)[0]


def error_name(error: Error) -> str:
    """The name of its class."""
    return error.types[0].lstrip("_")


def refusal(error: Error) -> str:
    """The status of an answer that is this error where one was expected to return."""
    return "missing" if "NotImplementedError" in error.types else "deviates"


def unbuilt(error: Error) -> str:
    """The status where this error came of building the inputs: a name that assay needs for it and that is absent is no
    wrong answer."""
    return "missing" if "AttributeError" in error.types else refusal(error)


def warned(outcome: Outcome) -> set[tuple[str, str]]:
    """What an outcome warned of: (category, normalised first line)."""
    return {(category, normalised(text.split("\n", 1)[0])) for category, text in outcome.warnings}
