"""Named results behave as PyTorch's struct sequences do."""

import copy
import pickle

import pytest
import torch

from flambeau import return_types

NAMES = sorted(n for n in torch.return_types.__all__ if hasattr(getattr(torch.return_types, n), "n_fields"))


@pytest.mark.parametrize("name", NAMES)
def test_fields_and_text(name):
    theirs = getattr(torch.return_types, name)
    ours = getattr(return_types, name)
    values = list(range(theirs.n_fields))
    a, b = theirs(values), ours(values)
    assert repr(a) == repr(b)
    assert tuple(a) == tuple(b)
    assert isinstance(b, tuple)
    assert theirs.__match_args__ == ours.__match_args__
    assert (theirs.__module__, theirs.__name__) == (ours.__module__, ours.__name__)
    assert [getattr(a, f) for f in a.__match_args__] == [getattr(b, f) for f in b.__match_args__]
    assert (a.n_fields, a.n_sequence_fields, a.n_unnamed_fields) == (
        b.n_fields,
        b.n_sequence_fields,
        b.n_unnamed_fields,
    )


@pytest.mark.parametrize("args", [(1,), ([1],), ([1, 2, 3],), ([1, 2], 3)])
def test_wrong_construction(args):
    texts = []
    for module in (torch.return_types, return_types):
        with pytest.raises(TypeError) as caught:
            module.max(*args)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def test_read_only_and_plain_tuple_arithmetic():
    r = return_types.topk([1, 2])
    with pytest.raises(AttributeError, match="readonly attribute"):
        r.values = 3
    assert type(r + (3,)) is tuple  # noqa: RUF005
    assert type(r[:1]) is tuple
    assert hash(r) == hash((1, 2))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])
def test_copies_keep_the_type(again):
    r = return_types.linalg_svd([[1], [2], [3]])
    s = again(r)
    assert type(s) is type(r)
    assert s == r
    assert s.Vh == [3]
