"""PyTorch lists keyword arguments in the order of a hash map."""

import random
import re

import pytest
import torch

from flambeau.keyword_order import map_order

TEXT = (
    "input out dim dims axis axes keepdim dtype device layout requires_grad memory_format generator start end step "
    "steps base weight value index mask other alpha beta p q a b c correction unbiased stable descending largest "
    "a_very_long_keyword_that_needs_several_rounds repeats x1 x2 naïve sorted return_inverse return_counts"
)
WORDS = TEXT.split()


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13, 14, 20, 30, 36])
def test_order_of_keywords(count: int) -> None:
    draw = random.Random(count)
    for _ in range(20):
        keys = draw.sample(WORDS, count)
        with pytest.raises(TypeError) as caught:
            torch.pow(**dict.fromkeys(keys))
        got = re.search(r"got \((.*?), \), but", str(caught.value))
        assert got is not None
        assert map_order(keys) == [field.split("=")[0] for field in got.group(1).split(", ")]
