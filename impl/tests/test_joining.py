"""Layouts of what is joined, flipped and turned, as PyTorch lays it out."""

import pytest
from against import assert_agree

LAYOUTS = r"""
x.flip(0), x.flip(2), x.flip(()), x.rot90(1), x.rot90(-1, (1, 2)), x.rot90(2), x.rot90(0)
s.flip(0), s.flip(1), s.rot90(1), s.rot90(4)
torch.cat([x, x], 1), torch.stack([x, x], 0), torch.stack([x, x], 3), torch.cat([x.contiguous(), x], 0)
torch.cat([n, n], 1), torch.cat([n, n.contiguous()], 1), torch.stack([n, n], 1), torch.stack([n[0], n[0]], 3)
torch.cat([torch.zeros(0)], 5)
"""


@pytest.mark.parametrize("line", LAYOUTS.strip().splitlines())
def test_layouts(line: str) -> None:
    assert_agree(
        f"[({line},)]",
        "x = torch.arange(24.0).reshape(2, 3, 4).permute(2, 1, 0)\ns = torch.arange(2.0).expand(3, 2)\n"
        "n = torch.arange(120.0).reshape(2, 3, 4, 5).permute(0, 3, 1, 2)",
    )


def test_an_out_tensor_is_looked_at_before_the_shapes() -> None:
    assert_agree("torch.cat([torch.zeros(3), torch.zeros(1, 1)], out=torch.zeros((), dtype=torch.int64))")
