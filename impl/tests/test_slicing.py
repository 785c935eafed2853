"""Views of parts, diagonals and triangles, their copies and their *_scatter forms against real PyTorch."""

import pytest
from against import assert_agree, assert_gradients
from setups import INDEXED, INDEXED_DTYPES, INDEXES, LEAVES

import flambeau

CALLS = r"""
r.select(0,5)
r.select(3,0)
r.select(0,-3)
z.select(0,0)
r.select(0,torch.tensor(1))
r.select(-1,1)
r.narrow(0,0,3)
r.narrow(0,-1,1)
r.narrow(0,1,1)
r.narrow(0,5,1)
r.narrow(0,-3,1)
r.narrow(0,0,-1)
r.narrow(5,0,1)
r.narrow(0,torch.tensor(1),1)
r.narrow(0,torch.tensor([1]),1)
r.narrow(0,torch.tensor(1.),1)
z.narrow(0,0,1)
r.narrow(0,2,0)
r.diagonal()
r.diagonal(1,0,2)
r.diagonal(-1,1,2)
r.diagonal(9,1,2)
r.diagonal(0,1,1)
r.diagonal(0,5,1)
z.diagonal()
torch.ones(3).diagonal()
r.unfold(0,1,1)
r.unfold(2,2,1)
r.unfold(2,2,2)
r.unfold(2,5,1)
r.unfold(2,-1,1)
r.unfold(2,0,1)
r.unfold(2,2,0)
r.unfold(5,2,1)
z.unfold(0,1,1)
z.unfold(0,0,1)
z.unfold(0,2,1)
torch.diag(torch.ones(3,requires_grad=True))
torch.diag(torch.ones(2,3,requires_grad=True),1)
torch.diag(torch.ones(3,requires_grad=True),-1)
torch.diag(r)
torch.diag(z)
torch.diag_embed(r[0])
torch.diag_embed(r[0],1,0,1)
torch.diag_embed(r[0],1,0,0)
torch.diagflat(r,1)
torch.diagonal_scatter(r,torch.ones(2,3),0,0,2)
torch.diagonal_scatter(r,torch.ones(4,2))
torch.select_scatter(r,torch.ones(3,4),0,0)
torch.select_scatter(r,torch.ones(3),0,0)
torch.select_scatter(r,torch.ones(3,4),0,7)
torch.slice_scatter(r,torch.ones(1,3,4),0,1)
torch.slice_scatter(r,torch.ones(3,4),0,1)
torch.slice_scatter(r,torch.ones(2,2,4),1,0,3,2)
torch.slice_scatter(r,torch.ones(2,2,4),1,0,3,-2)
torch.as_strided_scatter(r,torch.ones(2,2),(2,2),(1,2),1)
torch.slice_copy(r,0,0,1)
torch.select_copy(r,0,0)
torch.diagonal_copy(r,0)
torch.unfold_copy(r,0,1,1)
torch.narrow_copy(r,0,1,1)
torch.tril(r)
torch.triu(r,1)
torch.tril(torch.ones(3))
r.tril(torch.tensor(1))
torch.tril_indices(3,3)
torch.tril_indices(3,4,1)
torch.triu_indices(3,4,-1)
torch.triu_indices(-1,4)
torch.tril_indices(3,3,dtype=torch.float32)
torch.tril_indices(3,3,dtype=torch.int32)
torch.tril_indices(3,3,dtype=torch.int16)
torch.tril_indices(3,3,requires_grad=True)
torch.ones(2,2,dtype=torch.uint16).tril()
torch.ones(2,2,dtype=torch.uint16).diag()
torch.ones(2,dtype=torch.uint16).diag_embed()
torch.ones(2,2,dtype=torch.complex32).tril()
torch.ones(2,dtype=torch.complex32).diag()
torch.ones(2,dtype=torch.uint16).unfold(0,1,1)
"""


@pytest.mark.parametrize("source", CALLS.strip().split("\n"))
def test_calls(source: str) -> None:
    assert_agree(source, INDEXED, rtol=1e-6)


DTYPED = """
x.tril()
x.triu(1)
x.diag(1)
x.diagonal()
x.diag_embed()
x.unfold(1, 2, 1)
x.slice_scatter(x[:1], 0, 1)
"""


@pytest.mark.parametrize("dtype", INDEXED_DTYPES)
@pytest.mark.parametrize("source", DTYPED.strip().split("\n"))
def test_dtypes(source: str, dtype: str) -> None:
    setup = f"x = torch.tensor([[0, 1, 2], [3, 1, 0]]).to(torch.{dtype})\n{INDEXES}"
    assert_agree(source, setup, rtol=1e-2 if dtype in ("float16", "bfloat16") else 0.0)


DIFFERENTIATED = """
x.select(1,2)
x.narrow(1,1,2)
x.diagonal(1,0,2)
x.diagonal(-1,1,2)**2
x.unfold(2,2,1)
x.unfold(1,3,2)**2
s.unfold(0,1,1)
torch.tril(x,1)**2
torch.triu(x,-1)
torch.diag(v,1)**2
torch.diag(y)**2
torch.diag_embed(y,1,0,2)**2
torch.diagflat(y)
torch.diagonal_scatter(x,x.select(2,0).t()[:,:2]*s if False else torch.cat([v.reshape(4,1),v.reshape(4,1)],1))**2
torch.select_scatter(x,y[:, :1].expand(2,4)*1,1,2)**2
torch.slice_scatter(x,w[:2,:2],1,0,None,2)**2
torch.as_strided_scatter(x,y,(2,3),(3,1),2)**2
torch.select_copy(x,1,0)**2
torch.slice_copy(x,1,0,None,2)**2
torch.diagonal_copy(x)**2
torch.unfold_copy(x,2,2,1)**2
torch.narrow_copy(x,2,2,1)**2
a=y*1; a.tril_(); a**2
a=y*1; a.diagonal().mul_(s); a**2
"""


@pytest.mark.parametrize("source", DIFFERENTIATED.strip().split("\n"))
def test_gradients(source: str) -> None:
    assert_gradients(source, INDEXES, LEAVES)


def test_meta_tensors_have_the_shapes() -> None:
    x = flambeau.zeros(2, 3, device="meta")
    assert x.diagonal().shape == (2,)
    assert x.unfold(1, 2, 1).shape == (2, 2, 2)
