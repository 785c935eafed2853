"""Reading by index tensors and masks (gather, take, index_select, nonzero, bincount) against real PyTorch."""

import pytest
from against import assert_agree, assert_gradients
from setups import INDEXED, INDEXED_DTYPES, INDEXES, LEAVES

import flambeau

CALLS = r"""
torch.gather(r,0,torch.zeros(2,3,4,dtype=torch.int64))
torch.gather(t,1,i(0))
torch.gather(t,1,i([0]))
torch.gather(t,1,i([5]))
torch.gather(t,1,i([-1]))
torch.gather(t,1,i([0,1],[0,2],[0,1]))
torch.gather(t,3,i([0,1]))
torch.gather(t,0,i([0,1,0,1]))
torch.gather(t,0,i([0.]))
torch.gather(t,0,i([0]).int())
torch.gather(t,0,i([0]).short())
torch.gather(t,0,i([0]).to(torch.uint8))
torch.gather(z,0,i(0))
torch.gather(z,0,torch.tensor(0))
torch.gather(z,0,torch.tensor(1))
torch.gather(z,0,torch.empty(0,dtype=torch.int64))
torch.gather(e,0,torch.empty(0,3,dtype=torch.int64))
torch.gather(e,0,torch.zeros(1,3,dtype=torch.int64))
torch.gather(t,0,torch.empty(0,dtype=torch.int64))
torch.gather(t,0,torch.empty(5,0,dtype=torch.int64))
torch.gather(t,0,i([0]),out=torch.empty(3,dtype=torch.int64))
torch.gather(r,0,torch.zeros(2,3,4,dtype=torch.int64),sparse_grad=True)
torch.index_select(r,0,i(0,1,1))
torch.index_select(r,0,torch.tensor(0))
torch.index_select(r,0,i([0]))
torch.index_select(r,0,i(5))
torch.index_select(r,0,i(-1))
torch.index_select(r,5,i(0))
torch.index_select(r,0,i(0.))
torch.index_select(r,0,i(0).short())
torch.index_select(r,0,i(0).int())
torch.index_select(z,0,i(0))
torch.index_select(z,0,i(0,0))
torch.index_select(z,0,torch.tensor(0))
torch.index_select(z,0,i(1))
torch.index_select(e,1,i(1))
torch.index_select(e,1,i(7))
torch.index_select(r.permute(2,0,1),1,i(1))
torch.take(r,i(0,5,-1))
torch.take(r,i(100))
torch.take(r,i(0).int())
torch.take(e,i(0))
torch.take(e,torch.empty(0,dtype=torch.int64))
torch.take(t,i([0,1],[2,3]).t())
torch.take_along_dim(r,torch.zeros(1,3,4).long(),0)
torch.take_along_dim(r,i(0,5))
torch.take_along_dim(r,i(0,5),0)
torch.take_along_dim(r,torch.zeros(2,1,4).long(),1)
torch.take_along_dim(r,torch.zeros(2,1,4),1)
torch.take_along_dim(r,torch.zeros(2,1,4).int(),1)
torch.take_along_dim(r,torch.zeros(2,1,4).long()-1,1)
torch.take_along_dim(r,torch.zeros(7,1,4).long(),1)
torch.masked_select(r,torch.tensor(True))
torch.masked_select(t,m)
torch.masked_select(t[0],m)
torch.masked_select(t,torch.tensor([True,False]))
torch.masked_select(t,m.byte())
torch.masked_select(z,torch.tensor(True))
torch.nonzero(t)
torch.nonzero(t,as_tuple=True)
torch.nonzero(z)
torch.nonzero(z,as_tuple=True)
torch.nonzero(e)
torch.nonzero(r)
torch.nonzero(t,as_tuple=False)
t.nonzero(as_tuple=True)
torch.argwhere(t)
torch.argwhere(z)
torch.where(t>2)
torch.where(z)
torch.nonzero_static(t,size=3)
torch.nonzero_static(t,size=8,fill_value=9)
torch.nonzero_static(t,size=-1)
torch.bincount(i(1,2,2))
torch.bincount(i(1,2,2),o(3))
torch.bincount(i(1,2,2),i(1,1,1).half())
torch.bincount(i(1,2,2),i(1,1,1))
torch.bincount(i(1,2,2),minlength=7)
torch.bincount(i(1,-2,2))
torch.bincount(i([1,2,2]))
torch.bincount(i(1.,2))
torch.bincount(i(1,2),o(3))
torch.bincount(i(1,2),minlength=-1)
torch.bincount(torch.empty(0).long(),minlength=2)
torch.bincount(i(1,2),o(2).requires_grad_())
torch.bincount(i(1,2)>1)
torch.bincount(i(1,2).to(torch.uint8))
torch.count_nonzero(t)
torch.count_nonzero(t,0)
torch.count_nonzero(t,(0,1))
torch.count_nonzero(t,5)
torch.count_nonzero(t,(0,0))
torch.count_nonzero(t,())
torch.count_nonzero(r)
torch.index_select(t,0,i(0),out=torch.empty(1,3,dtype=torch.float64))
torch.take(t,i(0),out=torch.empty(1,dtype=torch.float64))
torch.take_along_dim(t,i([0]),0,out=torch.empty(1,dtype=torch.float64))
torch.gather(t,0,i([0]),out=torch.empty(1,1,dtype=torch.float64))
torch.masked_select(t,m,out=torch.empty(1,1,dtype=torch.float64))
torch.masked_select(t,m,out=torch.empty(1,1,dtype=torch.int64))
torch.nonzero(t,out=torch.empty(1,1,dtype=torch.float64))
torch.ones(2,dtype=torch.uint16).index_select(0,i(0))
torch.ones(2,dtype=torch.uint16).gather(0,i(0))
torch.ones(2,dtype=torch.uint16).take(i(0))
torch.ones(2,dtype=torch.uint16).masked_select(torch.tensor(True))
torch.ones(2,dtype=torch.uint16).nonzero()
torch.ones(2,dtype=torch.complex32).index_select(0,i(0))
torch.ones(2,dtype=torch.complex32).gather(0,i(0))
torch.ones(2,dtype=torch.complex32).take(i(0))
torch.ones(2,dtype=torch.complex32).masked_select(torch.tensor(True))
torch.ones(2,dtype=torch.complex32).nonzero()
"""


@pytest.mark.parametrize("source", CALLS.strip().split("\n"))
def test_calls(source: str) -> None:
    assert_agree(source, INDEXED, rtol=1e-6)


DTYPED = """
x.gather(1, i([0, 2, 2], [1, 1, 0]))
x.index_select(1, i(2, 0, 0))
x.take(i(0, 5, -1))
x.masked_select(m)
x.nonzero()
"""


@pytest.mark.parametrize("dtype", INDEXED_DTYPES)
@pytest.mark.parametrize("source", DTYPED.strip().split("\n"))
def test_dtypes(source: str, dtype: str) -> None:
    setup = f"x = torch.tensor([[0, 1, 2], [3, 1, 0]]).to(torch.{dtype})\n{INDEXES}"
    assert_agree(source, setup, rtol=1e-2 if dtype in ("float16", "bfloat16") else 0.0)


DIFFERENTIATED = """
torch.gather(x,1,i([[0,1,2,3],[0,0,0,0]]) % 3 if False else torch.zeros(2,5,4,dtype=torch.int64))
torch.gather(y,1,i([0,0,1],[2,2,2]))**2
torch.gather(s,0,i(0,0))
torch.index_select(x,1,i(0,0,2))**2
torch.index_select(s,0,i(0))
torch.index_select(v,0,torch.tensor(2))
torch.take(x,i([0,5],[5,-1]))**2
torch.take_along_dim(x,i([[0],[1]]).reshape(2,1,1),1)
y.masked_select(m)**2
y[0].masked_select(m)**2
torch.where(m,y,s)
"""


@pytest.mark.parametrize("source", DIFFERENTIATED.strip().split("\n"))
def test_gradients(source: str) -> None:
    assert_gradients(source, INDEXES, LEAVES)


def test_shapes_that_depend_on_the_data_are_unknown_on_meta() -> None:
    with pytest.raises(NotImplementedError, match="depends on the data"):
        flambeau.zeros(2, 3, device="meta").nonzero()


OUT_FIRST = r"""
torch.index_select(u, 0, i, out=o)
torch.gather(u, 0, i, out=o)
torch.masked_select(u, u == u, out=o)
torch.take(u, i, out=o)
torch.nonzero(u, out=o)
torch.masked_select(u, torch.tensor(False)).shape
torch.masked_select(u, torch.tensor(True))
torch.take_along_dim(torch.zeros(2, 2).t(), i)
"""


@pytest.mark.parametrize("line", OUT_FIRST.strip().splitlines())
def test_what_is_looked_at_first(line: str) -> None:
    assert_agree(line, "u = torch.tensor([1, 2], dtype=torch.uint16)\ni = torch.tensor([0, 1])\no = torch.zeros(3)")
