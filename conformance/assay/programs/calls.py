"""What the calls of programs do to numbers and memory, by their last name: "add" for torch.add, Tensor.add_, iadd."""

from __future__ import annotations

from assay.program import last_name

#: Calls that move, select or compare elements, and thus round nothing.
EXACT = frozenset(
    (
        *("transpose", "swapaxes", "permute", "movedim", "t", "T", "mT", "view", "view_as", "reshape", "flatten"),
        *("unflatten", "squeeze", "unsqueeze", "expand", "expand_as", "broadcast_to", "select", "narrow", "getitem"),
        *("diagonal", "unbind", "split", "chunk", "unfold", "detach", "setitem", "fill", "zero", "masked_fill"),
        *("where", "cat", "stack", "flip", "roll", "clone", "contiguous", "neg", "abs", "relu", "repeat", "tril"),
        *("maximum", "minimum", "amax", "amin", "gt", "lt", "ge", "le", "eq", "ne", "logical_not", "logical_and"),
        *("round", "requires_grad", "index_select", "masked_select", "if", "sign", "is_leaf", "item", "copy"),
    )
)


def rounds(call: str) -> bool:
    """Whether a call's floating results are rounded."""
    return last_name(call) not in EXACT
