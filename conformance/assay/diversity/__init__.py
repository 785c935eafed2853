"""How diverse what is drawn is: every kind of input for every operation, or the reason why it does not apply.

`assay.diversity.kinds` lists the kinds, `table` counts what is drawn, `reasons` tells why a kind does not apply: by
rule from the entry and its draws, by what PyTorch was asked (`ask`), or by hand (`byhand`). A kind that is neither
drawn nor explained is a hole; a reason for what is drawn after all is stale. Both fail the tests.
"""
