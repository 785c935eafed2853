"""Writing by index tensors and masks (scatter, index_add, put, masked_fill ...) against real PyTorch."""

import pytest
from against import assert_agree, assert_gradients
from setups import INDEXED, INDEXED_DTYPES, INDEXES, LEAVES

import flambeau

CALLS = r"""
torch.index_add(r,0,i(0,1,0),torch.ones(3,3,4))
torch.index_add(r,0,i(0,1,0),torch.ones(3,3,4),alpha=2)
torch.index_add(r,0,i(0,1,0),torch.ones(3,3,4).long())
torch.index_add(r,0,i(0,1),torch.ones(3,3,4))
torch.index_add(r,0,i(0,1,5),torch.ones(3,3,4))
torch.index_add(r,0,i(0,1,-1),torch.ones(3,3,4))
torch.index_add(r,0,i(0,1,0),torch.ones(3,2,4))
torch.index_add(r,0,i(0,1,0),torch.ones(3,4))
torch.index_add(r,0,i([0,1,0]),torch.ones(3,3,4))
torch.index_add(r,0,i(0.,1,0),torch.ones(3,3,4))
torch.index_add(r,3,i(0,1,0),torch.ones(3,3,4))
torch.index_add(z,0,i(0),torch.ones(1))
torch.index_add(z,0,i(0,0),torch.ones(2))
torch.index_add(z,0,torch.tensor(0),torch.tensor(1.))
torch.index_add(z,0,i(1),torch.ones(1))
torch.index_add(t.bool(),0,i(1),t[:1].bool())
torch.index_add(t.long(),0,i(1),t[:1].long(),alpha=1.5)
torch.index_add(t,0,i(1),t[0])
torch.index_copy(r,0,i(0,1),torch.ones(2,3,4))
torch.index_copy(r,0,i(0,1),torch.ones(3,3,4))
torch.index_copy(r,0,i(0,1),torch.ones(2,3,5))
torch.index_copy(r,0,i(0,1),torch.ones(3,4))
torch.index_copy(r,0,i(0,1).int(),torch.ones(2,3,4))
torch.index_copy(r,0,i(0,7),torch.ones(2,3,4))
torch.index_copy(r,0,i(0,-1),torch.ones(2,3,4))
torch.index_copy(r,0,i(0,1),torch.ones(2,3,4).double())
torch.index_copy(r,0,i([0,1]),torch.ones(2,3,4))
torch.index_copy(t,0,torch.tensor(1),t[0])
torch.index_copy(t,0,torch.tensor(1),torch.tensor(1.))
torch.index_copy(z,0,torch.tensor(0),torch.tensor(1.))
torch.index_copy(z,0,i(0,0),torch.ones(2))
torch.index_fill(r,0,i(0),1)
torch.index_fill(r,0,i(0),torch.tensor(1.))
torch.index_fill(r,0,i(0),torch.tensor([1.]))
torch.index_fill(r,0,i(0),1j)
torch.index_fill(t,0,i(5),1)
torch.index_fill(t,0,i(-1),1)
torch.index_fill(t,0,i(-3),1)
torch.index_fill(t,0,i(0).int(),1)
torch.index_fill(t,0,i([0]),1)
torch.index_fill(t,2,i(0),1)
torch.index_fill(z,0,i(0),1)
torch.index_fill(z,0,i(1),1)
torch.index_fill(z,0,torch.tensor(0),1)
torch.index_fill(t.long(),0,i(0),1.5)
torch.index_fill(t.bool(),0,i(0),1.5)
torch.index_fill(t.to(torch.uint8),0,i(0),300)
torch.index_fill(t.long(),0,i(0),torch.tensor(1.5))
torch.index_put(r,(i(0),),torch.ones(3,4))
torch.index_put(r,(i(0),),torch.ones(5))
torch.index_put(r,(i(0,0),),torch.ones(3,4),True)
torch.index_put(r,(i(0),),torch.tensor(1))
torch.index_put(r,(i(0,1,1,1),),torch.tensor(1.),accumulate=True)
torch.index_put(r,[i(0),i(0),i(0),i(0)],torch.tensor(1.))
torch.index_put(r,[None,i(0)],torch.tensor(1.))
torch.index_put(r,i(0,1),torch.tensor(1.))
torch.index_put(t>1,(i(0),),torch.tensor(True),accumulate=True)
torch.put(r,i(0,5),torch.ones(2))
torch.put(r,i(0,5),torch.ones(3))
torch.put(r,i(0,50),torch.ones(2))
torch.put(r,i(0,-1),torch.ones(2),True)
torch.put(r,i(0,-1),torch.ones(2).long(),True)
torch.put(r,i(0,-1).int(),torch.ones(2),True)
torch.scatter(t,0,i([0,1,0]),o(1,3))
torch.scatter(r,0,torch.zeros(1,3,4).long(),o(1,3,4))
torch.scatter(r,0,torch.zeros(1,3,4).long(),2.)
torch.scatter(r,0,torch.zeros(1,3,4).long(),2)
torch.scatter(t,0,i([0,1,0]),1j)
torch.scatter(t.long(),0,i([0,1,0]),1.5)
torch.scatter(t.to(torch.uint8),0,i([0,1,0]),300)
torch.scatter(t,0,i([0,1,0]),o(1,2))
torch.scatter(t,0,i([0,1,0]),o(3))
torch.scatter(t,0,i(0,1,0),o(3))
torch.scatter(t,0,i([0,1,0,0]),o(1,4))
torch.scatter(t,0,i([0,1,0],[0,1,0],[0,1,0]),o(3,3))
torch.scatter(t,0,i([0,1,5]),o(1,3))
torch.scatter(t,0,i([0,1,-1]),o(1,3))
torch.scatter(t,0,i([0,1,0]),o(1,3).long())
torch.scatter(t,0,i([0,1,0]),o(1,3).double())
torch.scatter(t,0,i([0,1,0.]),o(1,3))
torch.scatter(t,0,i([0,1,0]).int(),o(1,3))
torch.scatter(t,0,i([0,1,0]).short(),o(1,3))
torch.scatter(t,5,i([0,1,0]),o(1,3))
torch.scatter(z,0,i(0),o(1))
torch.scatter(z,0,torch.tensor(0),o())
torch.scatter(z,0,torch.tensor(0),2)
torch.scatter(t,0,i([0,1,0]),o(1,3),reduce='add')
torch.scatter(r,0,torch.zeros(1,3,4).long(),o(1,3,4),reduce='add')
torch.scatter(r,0,torch.zeros(1,3,4).long(),o(1,3,4),reduce='multiply')
torch.scatter(r,0,torch.zeros(1,3,4).long(),2.,reduce='multiply')
torch.scatter(t,0,i([0,1,0]),2.,reduce='multiply')
torch.scatter(t,0,i([0,1,0]),o(1,3),reduce='sum')
torch.scatter(t,0,i([0,1,0]),o(1,3),reduce='foo')
torch.scatter(t>1,0,i([0,1,0]),o(1,3)>1,reduce='add')
torch.scatter(t,0,torch.empty(0,dtype=torch.int64),o(1,3))
torch.scatter(t,0,torch.empty(0,dtype=torch.int64),o(0))
torch.scatter(t,0,torch.empty(0,3,dtype=torch.int64),o(1,3))
torch.scatter_add(t,0,i([0,1,0]),o(1,3))
torch.scatter_add(r,0,torch.zeros(1,3,4).long(),o(1,3,4))
torch.scatter_add(t,0,i([0,1,0]),o(1,2))
torch.scatter_add(t,0,i([0,1,0]),o(1,3).long())
torch.scatter_add(t,0,i([0,1,7]),o(1,3))
torch.scatter_add(t>1,0,i([0,1,0]),o(1,3)>0)
torch.scatter_add(t,0,i(0,1,0),o(3))
torch.scatter_add(t,0,i([0,1,0]).int(),o(1,3))
torch.scatter_add(t,0,i([0,1,0.]),o(1,3))
torch.scatter_reduce(t,0,i([0,1,0]),o(1,3),'sum')
torch.scatter_reduce(r,0,torch.zeros(1,3,4).long(),o(1,3,4),'sum')
torch.scatter_reduce(r,0,torch.zeros(1,3,4).long(),o(1,3,4),'prod')
torch.scatter_reduce(r,0,torch.zeros(1,3,4).long(),o(1,3,4),'mean')
torch.scatter_reduce(r,0,torch.zeros(1,3,4).long(),o(1,3,4),'amax')
torch.scatter_reduce(t,0,i([0,1,0]),o(1,3),'prod',include_self=False)
torch.scatter_reduce(t,0,i([0,1,0]),o(1,3),'mean')
torch.scatter_reduce(t.long(),0,i([0,1,0]),o(1,3).long()*-8,'mean')
torch.scatter_reduce(t,0,i([0,1,0]),o(1,3),'amax')
torch.scatter_reduce(t,0,i([0,1,0]),o(1,3),'amin',include_self=False)
torch.scatter_reduce(t,0,i([0,1,0]),o(1,3),'foo')
torch.scatter_reduce(t,0,i([0,1,0]),o(1,3),'add')
torch.scatter_reduce(t>1,0,i([0,1,0]),o(1,3)>0,'mean')
torch.scatter_reduce(t>1,0,i([0,1,0]),o(1,3)>0,'sum')
torch.scatter_reduce(t>1,0,i([0,1,0]),o(1,3)>0,'prod')
torch.scatter_reduce(t>1,0,i([0,1,0]),o(1,3)>0,'amax')
torch.scatter_reduce(t*1j,0,i([0,1,0]),o(1,3)*1j,'amax')
torch.scatter_reduce(t*1j,0,i([0,1,0]),o(1,3)*1j,'prod')
torch.scatter_reduce(t*1j,0,i([0,1,0]),o(1,3)*1j,'mean')
torch.index_reduce(t,0,i(0,1,0),o(3,3),'prod')
torch.index_reduce(r,0,i(0,1,0),o(3,3,4),'mean')
torch.index_reduce(t,0,i(0,1,0),o(3,3),'sum')
torch.index_reduce(t,0,i(0,1,0),o(3,3),'mean',include_self=False)
torch.masked_fill(r,torch.tensor(True),1)
torch.masked_fill(r,torch.tensor(True),torch.tensor(1.))
torch.masked_fill(t,m,7)
torch.masked_fill(t,m,torch.tensor(7))
torch.masked_fill(t,m,torch.tensor(7.5).double())
torch.masked_fill(t.long(),m,7.5)
torch.masked_fill(t.long(),m,torch.tensor(7.5))
torch.masked_fill(t.long(),m,1j)
torch.masked_fill(t,m,1j)
torch.masked_fill(t,m,o(1))
torch.masked_fill(t,m.byte(),1)
torch.masked_fill(t,m.long(),1)
torch.masked_fill(t,i(1,0),1)
torch.masked_fill(t,torch.tensor([True,False]),1)
torch.masked_fill(t[0],m,1)
t[0].masked_fill_(m,1)
torch.masked_fill(t.to(torch.uint8),m,300)
t.t().masked_fill(m.t(),1)
torch.masked_scatter(t,m,o(7))
torch.masked_scatter(r,torch.tensor(True),o(24))
torch.masked_scatter(t,m,o(2))
torch.masked_scatter(t,m,o(7).long())
torch.masked_scatter(t,m.byte(),o(7))
torch.masked_scatter(t[0],m,o(7))
torch.scatter(t,0,i([0]),1.,out=torch.empty(1,1,dtype=torch.float64))
torch.scatter_add(t,0,i([0]),t[:1],out=torch.empty(1,1,dtype=torch.float64))
torch.scatter_reduce(t,0,i([0]),t[:1],'sum',out=torch.empty(1,1,dtype=torch.float64))
torch.ones(2,dtype=torch.uint16).masked_fill(torch.tensor(True),1)
torch.ones(2,dtype=torch.complex32).masked_fill(torch.tensor(True),1)
torch.ones(2,dtype=torch.uint16).index_fill(0,i(0),1)
torch.ones(2,dtype=torch.uint16).index_add(0,i(0),torch.ones(1,dtype=torch.uint16))
torch.ones(2,dtype=torch.uint16).index_copy(0,i(0),torch.ones(1,dtype=torch.uint16))
torch.ones(2,dtype=torch.uint16).scatter(0,i(0),1)
torch.ones(2,dtype=torch.uint16).scatter(0,i(0),torch.ones(1,dtype=torch.uint16))
torch.ones(2,dtype=torch.uint16).scatter_add(0,i(0),torch.ones(1,dtype=torch.uint16))
torch.ones(2,dtype=torch.uint16).scatter_reduce(0,i(0),torch.ones(1,dtype=torch.uint16),'amax')
torch.ones(2,dtype=torch.uint16).put(i(0),torch.ones(1,dtype=torch.uint16))
torch.ones(2,dtype=torch.uint16).masked_scatter(torch.tensor([True,False]),torch.ones(1,dtype=torch.uint16))
torch.ones(2,dtype=torch.complex32).index_add(0,i(0),torch.ones(1,dtype=torch.complex32))
torch.ones(2,dtype=torch.complex32).index_copy(0,i(0),torch.ones(1,dtype=torch.complex32))
torch.ones(2,dtype=torch.complex32).scatter(0,i(0),1)
torch.ones(2,dtype=torch.complex32).scatter_add(0,i(0),torch.ones(1,dtype=torch.complex32))
torch.ones(2,dtype=torch.complex32).scatter_reduce(0,i(0),torch.ones(1,dtype=torch.complex32),'sum')
torch.ones(2,dtype=torch.complex32).put(i(0),torch.ones(1,dtype=torch.complex32))
torch.ones(2,dtype=torch.complex32).masked_scatter(torch.tensor([True,False]),torch.ones(1,dtype=torch.complex32))
torch.ones(2,dtype=torch.complex32).index_fill(0,i(0),1)
torch.ones(2,dtype=torch.bool).index_fill(0,i(0),1)
torch.ones(2,dtype=torch.bool).index_reduce(0,i(0),torch.ones(1,dtype=torch.bool),'prod')
torch.ones(2,dtype=torch.bool).index_reduce(0,i(0),torch.ones(1,dtype=torch.bool),'mean')
torch.ones(2,dtype=torch.complex64).index_reduce(0,i(0),torch.ones(1,dtype=torch.complex64),'amax')
torch.ones(2,dtype=torch.uint16).index_put((i(0),),torch.ones(1,dtype=torch.uint16))
torch.ones(2,dtype=torch.uint16).index_put((i(0),),torch.ones(1,dtype=torch.uint16),True)
torch.ones(2,dtype=torch.complex32).index_put((i(0),),torch.ones(1,dtype=torch.complex32),True)
torch.ones(3,3).index_put((i(0),),torch.ones(1),True)
t.masked_scatter(m,o(9).half())
"""


@pytest.mark.parametrize("source", CALLS.strip().split("\n"))
def test_calls(source: str) -> None:
    assert_agree(source, INDEXED, rtol=1e-6)


DTYPED = """
x.scatter(1, i([0, 2], [1, 0]), x)
x.scatter_add(1, i([0, 0], [1, 1]), x)
x.scatter_reduce(1, i([0, 0], [1, 1]), x, 'prod')
x.scatter_reduce(1, i([0, 0], [1, 1]), x, 'amax', include_self=False)
x.scatter_reduce(1, i([0, 0], [1, 1]), x, 'mean')
x.index_add(0, i(0, 0), x)
x.index_copy(0, i(1, 0), x)
x.index_fill(1, i(1, -1), 1)
x.index_put((i(0, 0), i(1, 1)), x[0, :2], True)
x.index_put((i(0, 1), i(1, 1)), x[0, :2])
x.put(i(0, 5, -1), x[0], True)
x.masked_fill(m, 1)
x.masked_scatter(m, x)
x.masked_fill_(m, 1); x
x.scatter_(0, i([0, 1, 1]), x.clone()); x
x.index_add_(1, i(0, 0, 2), x.clone()); x
x.t().index_add_(0, i(0, 0, 2), x.t().clone()); x
x[:, 1:].scatter_add_(1, i([0, 0], [0, 1]), x.clone()); x
"""


@pytest.mark.parametrize("dtype", INDEXED_DTYPES)
@pytest.mark.parametrize("source", DTYPED.strip().split("\n"))
def test_dtypes(source: str, dtype: str) -> None:
    setup = f"x = torch.tensor([[0, 1, 2], [3, 1, 0]]).to(torch.{dtype})\n{INDEXES}"
    assert_agree(source, setup, rtol=1e-2 if dtype in ("float16", "bfloat16") else 0.0)


@pytest.mark.parametrize("rows", [3, 400])
@pytest.mark.parametrize("inner", [1, 7, 64])
@pytest.mark.parametrize("dtype", ["float32", "int64", "complex128", "float16", "int16"])
def test_large_sums_at_duplicates(rows: int, inner: int, dtype: str) -> None:
    setup = (
        "random = np.random.RandomState(0)\n"
        f"source = torch.tensor(random.randint(-3, 4, (500, {inner})).tolist()).to(torch.{dtype})\n"
        f"index = torch.tensor(random.randint(0, {rows}, 500).tolist())\n"
        f"x = torch.zeros({rows}, {inner}).to(torch.{dtype})"
    )
    assert_agree("x.index_add(0, index, source)", setup)
    assert_agree("x.index_put((index,), source, True)", setup)
    assert_agree("x.t().index_put((torch.arange(x.shape[1])[:, None], index), source.t(), True)", setup, strides=False)


EXPANDED = """
x.masked_fill_(m, 3); x
x.index_fill_(0, i(0, 1), 3); x
x.index_put_((i(0, 1),), torch.tensor(3.0)); x
x.index_add_(0, i(0, 1), torch.ones(2, 2))
x.scatter_(0, i([0, 1]), torch.ones(1, 2))
x[0] = 3; x
x.tril_(); x
x.triu_(); x
"""


@pytest.mark.parametrize("source", EXPANDED.strip().split("\n"))
def test_updates_of_expanded_tensors(source: str) -> None:
    setup = (
        "x = torch.ones(1, 2).expand(2, 2); i = lambda *a: torch.tensor(a); "
        "m = torch.tensor([[True, False], [False, True]])"
    )
    assert_agree(source, setup)


DIFFERENTIATED = """
x.index_put((i(0,0),i(1,1)),v)
x.index_put((i(0,0),i(1,1)),v,True)**2
y.index_put((m,),s)
y.index_put((m,),v[:3],accumulate=True)
torch.index_add(x,0,i(0,1,0),w)**2
torch.index_add(x,0,i(0,1,0),w,alpha=2)
torch.index_add(s,0,torch.tensor(0),s)
torch.index_copy(x,0,i(1,0),w[:2])**2
torch.index_copy(x,0,i(1,1),w[:2])
torch.index_fill(x,1,i(0,2),2.)
torch.index_fill(x,1,i(0,2),s)**2
torch.index_fill(x,1,i(0,0),s)**2
torch.put(x,i(0,5,5,-1),v)**2
torch.put(x,i(0,5,5,-1),v,True)**2
torch.scatter(y,0,i([0,1,0]),w[0,:1,:3])**2
torch.scatter(y,1,i([0,0,2],[1,1,1]),w[0,:2,:3])
torch.scatter(y,0,i([0,1,0]),2.)**2
torch.scatter_add(y,0,i([0,1,0],[0,0,0],[1,1,0]),w[:,:,0])**2
torch.scatter_reduce(y,0,i([0,1,0],[0,0,0],[1,1,0]),w[:,:,0],'sum')**2
torch.scatter_reduce(y,0,i([0,1,0],[0,0,0],[1,1,0]),w[:,:,0],'mean')**2
torch.scatter_reduce(y,0,i([0,1,0],[0,0,0],[1,1,0]),w[:,:,0],'mean',include_self=False)**2
torch.scatter_reduce(y,0,i([0,1,0],[0,0,0],[1,1,0]),w[:,:,0],'prod')**2
torch.scatter_reduce(y,0,i([0,1,0],[0,0,0],[1,1,0]),w[:,:,0],'prod',include_self=False)
torch.scatter_reduce(y,0,i([0,1,0],[0,0,0],[1,1,0]),w[:,:,0],'amax')**2
torch.scatter_reduce(y,0,i([0,1,0],[0,0,0],[1,1,0]),w[:,:,0].round(),'amin',include_self=False)
torch.index_reduce(y,0,i(0,1,0),w[:,:,0],'prod')
torch.index_reduce(y,0,i(0,1,0),w[:,:,0],'mean')
torch.index_reduce(y,0,i(0,1,0),w[:,:,0],'amax',include_self=False)
y.masked_fill(m,3.)**2
y.masked_fill(m,s)**2
y[0].masked_fill(m,s)**2
y.masked_scatter(m,v)**2
y.masked_scatter(m,w)**2
a=y*1; a.masked_fill_(m,s); a**2
a=y*1; a.scatter_(0,i([0,1,0]),w[0,:1,:3]); a**2
a=y*1; a.index_add_(0,i(0,0),w[0,:2,:3]); a**2
a=y*1; a[1].scatter_add_(0,i(0,0),v[:2]); a**2
a=y*1; a.index_put_((i(0),i(1)),s); a*y
c.masked_fill(m,1j)
c.index_add(0,i(0,0),c)**2
c.detach().scatter_reduce(0,i([0,0,1]),c.detach()[:1],"prod").real*s
"""


@pytest.mark.filterwarnings("ignore:index_reduce")
@pytest.mark.parametrize("source", DIFFERENTIATED.strip().split("\n"))
def test_gradients(source: str) -> None:
    assert_gradients(source, INDEXES, LEAVES)


def test_meta_tensors_have_the_shapes() -> None:
    x, index = flambeau.zeros(2, 3, device="meta"), flambeau.tensor([[0, 1, 0]])
    assert x.scatter_add(0, index.to("meta"), x).shape == (2, 3)
    assert x.index_fill(0, flambeau.tensor([0]), 1.0).shape == (2, 3)


WRITES = r"""
x.index_put_((torch.tensor([0, 0]),), torch.tensor([[1.0, 2], [3, 4]]).t())
x.index_put_((torch.tensor([[0, 0], [0, 1]]),), torch.arange(8.0).reshape(2, 2, 2).permute(2, 1, 0))
torch.zeros(1, 2).expand(3, 2).index_put_((torch.tensor([0, 1, 1]),), torch.ones(2), True)
torch.zeros(1, 2, dtype=torch.complex32).expand(3, 2).index_put_((torch.tensor([0]),), h, True).real.tolist()
torch.zeros(()).index_put_((), torch.tensor(1.0))
torch.zeros(0).index_put_((torch.tensor([0]),), torch.ones(1, 2, 9))
torch.zeros(0).index_put_((torch.tensor([0, 1]),), torch.ones(1, dtype=torch.int32))
torch.zeros(0, 2, 0).index_fill_(0, torch.tensor([0]), 1)
torch.zeros(0, 2, 0).index_copy_(0, torch.tensor([5]), torch.zeros(1, 2, 0))
"""


@pytest.mark.filterwarnings("ignore:Use of index_put_ on expanded:UserWarning")
@pytest.mark.filterwarnings("ignore:ComplexHalf:UserWarning")
@pytest.mark.parametrize("line", WRITES.strip().splitlines())
def test_writes(line: str) -> None:
    assert_agree(f"{line}", "x = torch.zeros(2, 2)\nh = torch.ones(2, dtype=torch.complex32)")
