"""Hypothesis strategies for the structure of PyTorch calls: shapes, dims, indices, layouts, dtypes, scalars, values.

Structure is drawn; elements are not: they come from value plans (`assay.values`). Nothing here knows torch.
"""

from assay.strategies.arguments import bad_arguments, dim_sets, dims, dtypes, layouts, scalars, value_plans
from assay.strategies.indices import IndexTensor, advanced_indices, basic_indices, indices, slices
from assay.strategies.shapes import broadcast, broadcast_pairs, broadcast_triples, broadcastable, factorisations, shapes

__all__ = [
    "IndexTensor",
    "advanced_indices",
    "bad_arguments",
    "basic_indices",
    "broadcast",
    "broadcast_pairs",
    "broadcast_triples",
    "broadcastable",
    "dim_sets",
    "dims",
    "dtypes",
    "factorisations",
    "indices",
    "layouts",
    "scalars",
    "shapes",
    "slices",
    "value_plans",
]
