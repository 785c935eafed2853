"""Brackets, read and assigned, against real PyTorch: values, strides, node names, errors, warnings, gradients."""

import numpy as np
import pytest
import torch
from against import assert_agree, assert_gradients
from hypothesis import given, settings
from hypothesis import strategies as st
from setups import INDEXED, INDEXES, LEAVES

import flambeau

READ = r"""
r[0]
r[-1]
r[...]
r[None]
r[()]
r[:]
r[:,:]
r[0:2]
r[1:]
r[:,1:2]
r[0,:,None]
r[True]
r[False]
r[torch.tensor(True)]
r[torch.tensor(1)]
r[torch.tensor(1,dtype=torch.uint8)]
r[torch.tensor(0,dtype=torch.uint8)]
r[torch.tensor(1,dtype=torch.uint16)]
r[torch.tensor(1,dtype=torch.int32)]
r[torch.tensor([1],dtype=torch.uint16)]
r[torch.tensor([1],dtype=torch.int16)]
r[torch.tensor([1],dtype=torch.int8)]
r[torch.tensor([1],dtype=torch.int32)]
r[torch.tensor([1,0],dtype=torch.uint8)]
r[np.int64(1)]
r[np.array(1)]
r[np.array([1,0])]
r[np.array([True,False])]
r[np.bool_(True)]
r[[0,1]]
r[[True,False]]
r[[0,1],[0,2]]
r[[[0,1],[0,2]]]
r[[0,slice(1)]]
r[[]]
r[[],]
r[[[]]]
r[(0,1)]
r[range(2)]
r[1.5]
r['a']
r[b'a']
r[{}]
r[5]
r[0,5]
r[0,0,0,0]
r[0,0,0,None]
r[...,...]
r[0,...,...,1]
r[...,0]
r[::2]
r[::-1]
r[::0]
r[::1.5]
r[1.5:]
r['a':]
r[torch.tensor(0):torch.tensor(1)]
r[torch.tensor([0]):torch.tensor([1])]
r[torch.tensor(0.5):]
r[np.int64(0):np.int64(1)]
r[5:2]
r[10:20]
r[-100:100]
r[1:1]
r[2**70]
r[2**70:]
r[:2**63-1]
z[0]
z[None]
z[...]
z[()]
z[True]
z[False]
z[:]
z[0:1]
z[torch.tensor(0)]
z[torch.tensor([0])]
z[torch.tensor(True)]
z[[0]]
e[0]
e[:,0]
e[torch.tensor([0])]
e[torch.tensor([],dtype=torch.long)]
e[:,torch.tensor([5])]
e[:,torch.tensor([2])]
e[torch.tensor([],dtype=torch.long),torch.tensor([7])]
t[torch.empty(0,dtype=torch.long)]
t[torch.tensor([])]
t[torch.tensor([0.5])]
t[torch.tensor(0.5)]
t[torch.tensor([1j])]
t[[0.5]]
t[[1j]]
t[['a']]
t[[None]]
t[[0,7]]
t[[0,-3]]
t[:,[0,7]]
t[[[0,7]],[0]]
t[[0,1],[0,1,2]]
t[torch.tensor([True,False,True])]
t[torch.tensor([True,False]),torch.tensor([True,False])]
t[torch.tensor([[True,False,True],[True,True,True]])]
t[torch.ones(2,3,1,dtype=bool)]
t[torch.ones(2,3,dtype=bool),0]
t[0,torch.tensor([True,False,True])]
t[None,torch.tensor([True,False])]
t[:,torch.tensor([True,False])]
t[torch.tensor([True,False]),torch.tensor([0,1,2])]
r[:,[0,1],[1,2]]
r[[0,1],:,[1,2]]
r[0,:,[1,2]]
r[:,0,[1,2]]
r[[0,1],None,[1,2]]
r[[0,1],...,[1,2]]
r[...,[1,2]]
r[True,[0,1]]
r[True,True]
r[False,[0,1]]
r[True,[0]]
r[0,True]
r[None,True]
r[t[0].long()]
r[(t>2).any(1)]
r[torch.tensor(0),torch.tensor([1])]
r[torch.tensor(0).requires_grad_(False)]
t.t()[[0,1]]
t.t()[:,[0,1]]
r.permute(2,0,1)[:,[0,1]]
r.permute(2,0,1)[[0,1]]
r.permute(2,0,1)[[0,1],:,[1,2]]
t[torch.tensor(2)]
t[torch.tensor(0),torch.tensor(3)]
t[0][1]
t[True,0]
t[0,True,0]
t[torch.tensor([[0,1]]).t()]
t[torch.empty(2,0,dtype=torch.long)]
t[:,torch.empty(0,2,dtype=torch.bool)]
t[torch.empty(0,dtype=torch.bool)]
t[torch.zeros(2,dtype=torch.bool)]
t[:,:,:]
t[None,None,0,None]
t[0:1,...,None]
t.T[1:,0]
t.expand(4,2,3)[1]
t.expand(4,2,3)[1:3]
t.__getitem__(0)
')[0])
r[:,0:3]
r[:,0:100]
r[-2:,...]
r[:,-3:]
r[:,:3]
r[:,:4]
r[:,::1]
r[:,]
r[...,]
r[None,]
r[0,]
r[:,None]
r[:,:,None]
r[:,0:0]
r[..., :]
z[..., None]
z[5]
z[True,True]
z[np.int64(0)]
z[0,]
z[[]]
r[:, torch.tensor([0]), :]
r[:, :, torch.tensor([0])]
r[1:, torch.tensor([0])]
r[..., torch.tensor([[True]*4]*3)]
r[np.array(True)]
r[np.array(False),0]
r[np.array([[True,False,True]]*2)]
r[torch.tensor(1.5)]
r[torch.tensor(1),torch.tensor(2)]
r[torch.tensor(1),0:2]
r[torch.tensor([1]),torch.tensor(2)]
r[torch.tensor(0,dtype=torch.uint8),torch.tensor(2)]
r[None,torch.tensor(True),0]
r[:,True]
r[:,True,[0,1]]
r[[0,1],True]
r[np.int32(1):]
r[True:]
r[:,True:]
r[0:True]
r[torch.tensor(True):]
r[np.array([[0,1],[0,2]])]
r[np.array([0.5,1])]
r[np.array([1,0],dtype=np.uint8)]
r[np.array([1],dtype=np.int8)]
r[np.array([1],dtype=np.uint16)]
r[np.float64(1)]
r[np.uint8(1)]
r[[np.int64(0)]]
r[[torch.tensor(0)]]
r[[torch.tensor([0]),torch.tensor([1])]]
r[[0]*40]
r[[[0]]*40]
r[[True,0]]
r[[1,0.5]]
r[[[0,1],[0]]]
r[[[[0,1],[0]]]]
r[[(0,1),(1,)],]
r[[...]]
r[torch.tensor([0,1]),]
r[{0}]
r[None,5]
r[...,5]
r[None,:,7]
r.__getitem__(slice(0,1))
t.half()[0]
torch.ones(2,dtype=torch.uint16)[[0]]
torch.ones(2,dtype=torch.complex32)[[0]]
torch.ones(2,dtype=torch.uint16)[:1]
"""

WRITTEN = r"""
t[0]=5
t[0]=5.5
t[0]=True
t[0]=1j
t[0]=None
t[0]='a'
t[0]=[1,2,3]
t[0]=np.float32(3)
t[0]=np.int64(3)
t[0]=np.bool_(1)
t[0]=np.complex64(1j)
t[0]=np.array(3.)
t[0]=np.array([3.,1,2])
l[0]=2.7
l[0]=2**70
l[0]=1j
l[0]=torch.tensor(2.7)
l[0]=torch.tensor([2.7,1,1])
l[0]=float('nan')
b[0]=5
b[0]=2.5
u[0]=300
u[0]=-1
u[0]=-1.5
u[0]=1j
t[0]=torch.tensor(1j)
t[0]=torch.tensor([1j,1,1])
t[0]=torch.ones(2)
t[0]=torch.ones(1,1,3)
t[0]=torch.ones(2,3)
t[0]=torch.ones(1,1,1)
t[...]=torch.ones(3)
t[...]=torch.ones(2)
t[:,:]=1
t[()]=1
t[None]=1
t[True]=1
t[False]=1
t[False]=torch.ones(7)
t[[0,1]]=1
t[[0,1]]=torch.tensor(1)
t[[0,1]]=torch.ones(3,dtype=torch.float64)
t[[0,1]]=torch.ones(3,dtype=torch.int64)
t[[0,1]]=torch.ones(1,1,2,3)
t[[0,1]]=torch.ones(2,2,3)
t[[0,1]]=torch.ones(2)
t[[0,1]]=2.5
l[[0,1]]=2.5
l[[0,1]]=1j
b[[0,1]]=2.5
t[[0,7]]=1
t[t>2]=0
t[t>2]=torch.tensor([1.,2.,3.])
t[t>2]=torch.tensor([1.,2.])
t[t>2]=torch.tensor([1])
t[t>2]=torch.tensor(1)
t[t>2]=torch.tensor(1j)
t[(t>2).byte()]=0
t[t>7]=torch.tensor([])
t[t>7]=torch.tensor([1.])
t[torch.tensor([True,False])]=7
t[torch.tensor([True,False,True])]=7
t[torch.tensor([True,False])]=torch.ones(3)
t[:,torch.tensor([True,False,True])]=torch.ones(2,2)
t[0,torch.tensor([True,False,True])]=torch.ones(2)
t[:,[0]]=t
t[[0,1]]=t
t[0]=t[1]
t[0]=t
t[:]=t
t[5]=1
t[0,5]=1
t[0,0,0]=1
t[1.5]=1
t[::-1]=1
z[0]=1
z[...]=1
z[()]=1
z[None]=1
z[True]=1
z[:]=1
e[0]=1
e[:]=1
e[torch.tensor([0])]=1
c[0]=1
c[0]=1.0
c[...]=1
c[()]=1
c[:]=1
c[None]=1
c[True]=1
c[False]=1
c[0]=torch.tensor(1.)
c[...]=torch.tensor(1.)
c[...]=torch.ones(4)
c[0]=torch.ones(4)
c[0,1:]=torch.ones(4)
c[[0,1]]=1
c[c>2]=1
c[c>2]=torch.tensor(1.)
c[0,[0,1]]=1
c[:,[0,1]]=torch.ones(4)
c[0,:,2]=v[1:]
c[0]=v
c[...]=v
c[[0]]=v
c[[0,0]]=v
r[0]=1
r[[0]]=1
r[...]=1
cz[...]=1
cz[()]=v[0]
t[0]=v
t[0]=v[1:]
t[...]=v[1:]
t[[0]]=v[1:]
t[torch.tensor(1)]=3
t[torch.tensor([0,1]),torch.tensor([1,2])]=torch.tensor([7,8.])
del t[0]
c[0:2]=1
c[0:5]=1
c[-2:]=1
c[:,:]=1
c[:,0:3]=1
c[:,0:9]=1
c[:,:,0:2]=1
c[...,0]=1
c[0,0,0]=1
c[None,]=1
c[True,]=1
c[True,0]=1
c[0,True]=1
c[False,]=1
c[torch.tensor(True)]=1
c[torch.tensor(False)]=1
c[torch.tensor([True,False])]=torch.ones(3,4)
c[torch.tensor([True,False])]=torch.ones(3,4,dtype=torch.float64)
c[torch.tensor([True,False])]=torch.ones(1,dtype=torch.float64)
c[torch.tensor([True,False])]=torch.ones(1,dtype=torch.float64,requires_grad=True)
c[0]=torch.ones(4,dtype=torch.float64,requires_grad=True)
c[0]=torch.tensor(1.,dtype=torch.float64,requires_grad=True)
c[...]=torch.tensor(1.,requires_grad=True)
c[torch.tensor([0,1])]=torch.tensor(1.,requires_grad=True)
c[c>2]=torch.tensor(1.,requires_grad=True)
t[[0]]=1e300
t[[0]]=2**40
u[[0]]=300
u[[0]]=-1
t[0]=1e300
t[False,]=5
t[False,]=torch.ones(7)
t[:]=torch.ones(5,3)
t[0:1]=torch.ones(5,3)
t[0]=[]
t[0]=(1,2)
t[0]=np.int8(3)
t[0]=2**63
t['a']=1
t[np.bool_(1)]=1
"""


@pytest.mark.parametrize("source", READ.strip().split("\n"))
def test_reading(source: str) -> None:
    assert_agree(source, INDEXED)


@pytest.mark.parametrize("source", WRITTEN.strip().split("\n"))
def test_writing(source: str) -> None:
    name = source.removeprefix("del ").partition("[")[0]
    assert_agree(f"{source}; {name}", INDEXED)


# ------------------------------------------------------------------------------------------ drawn indices

SIZES = (3, 4, 2)


def _item(n: int) -> st.SearchStrategy[str]:
    """One index of a dim of n elements, as source."""
    bound = st.one_of(st.just(""), st.integers(-n - 1, n + 1).map(str))
    place = st.integers(-n, n - 1)
    return st.one_of(
        place.map(str),
        st.tuples(bound, bound, st.sampled_from(["", "1", "2"])).map(":".join),
        place.map(lambda k: f"torch.tensor({k}, dtype=torch.int32)"),
        st.lists(place, min_size=1, max_size=3).map(str),
        st.lists(place, min_size=2, max_size=2).map(lambda a: f"torch.tensor({[a]})"),
        st.lists(place, min_size=2, max_size=2).map(lambda a: f"torch.tensor({[[k] for k in a]})"),
        st.lists(st.booleans(), min_size=n, max_size=n).map(lambda a: f"torch.tensor({a})"),
        st.lists(place, max_size=2).map(lambda a: f"np.array({a}, dtype=np.int64)"),
    )


@st.composite
def items(draw: st.DrawFn) -> str:
    """What stands in the brackets of a tensor of SIZES."""
    parts = [draw(_item(n)) for n in SIZES[: draw(st.integers(0, 3))]]
    for extra in draw(st.lists(st.sampled_from(["None", "True"]), max_size=1)):
        parts.insert(draw(st.integers(0, len(parts))), extra)
    if draw(st.booleans()):
        parts.append("...")
    return ", ".join(parts) + "," if parts else "..."


LAYOUTS = ("torch.arange(24.0).reshape(3, 4, 2)", "torch.arange(24.0).reshape(2, 3, 4).permute(1, 2, 0)",
           "torch.arange(96.0).reshape(6, 8, 2)[::2, 1::2]")  # fmt: skip


@settings(max_examples=150, deadline=None, derandomize=True)
@given(items(), st.sampled_from(LAYOUTS))
def test_drawn_reading(item: str, layout: str) -> None:
    assert_agree(f"x[{item}]", f"x = {layout}.requires_grad_(False); x = x * 1 if x.is_contiguous() else x")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(items(), st.sampled_from(LAYOUTS))
def test_drawn_writing(item: str, layout: str) -> None:
    assert_agree(f"x[{item}] = 7.5; x", f"x = {layout}")
    # one value for each element selected; torch itself says how many
    setup = f"x = {layout}"
    names: dict[str, object] = {"torch": torch, "np": np}
    exec(setup, names)
    try:
        shape = tuple(eval(f"x[{item}]", names).shape)
    except IndexError:
        return
    # of duplicates PyTorch leaves open which one counts
    value = f"torch.full({shape}, -1.0)" if "[" in item else f"-torch.arange({float(np.prod(shape))}).reshape({shape})"
    assert_agree(f"x[{item}] = {value}; x", setup)


DTYPES = ["bool", "uint8", "int16", "int64", "uint16", "float16", "bfloat16", "complex32", "complex128"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("source", ["x[1]", "x[:, 1:]", "x[[0, -1]]", "x[:, [0, 0, 1]]", "x[m]", "x[0] = x[1]; x"])
def test_dtypes(source: str, dtype: str) -> None:
    setup = f"x = torch.tensor([[0, 1, 2], [3, 1, 0]]).to(torch.{dtype}); m = torch.tensor([[True, False, True]] * 2)"
    assert_agree(source, setup)


# ------------------------------------------------------------------------------------------ gradients

DIFFERENTIATED = """
x[0]
x[1:,0,None]
x[:, 1:3, ::2]
x[[0,1,0]]
x[:,[0,0,2],[1,1,3]]
x[[0,1],:,[1,1]]
y[m]
y[m]*y[m]
x[m]
x[:,i(0,0,-1)]**2
c[[0,0,1]]
c[:,1:]
x[True,0]
a=x*1; a[0]=1; a**2
a=x*1; a[0]=v; a**2
a=x*1; a[:,1:]=s; a*x
a=x*1; a[[0,0]]=v; a**2
a=x*1; a[:,[0,2]]=v; a**2
a=y*1; a[m]=s; a**2
a=y*1; a[m]=v[:3]; a**2
a=y*1; a[0][m[0]]=v[:2]; a**2
a=y*1; b=a[0]; b[1:]=v[:2]; a*y
a=y*1; a[...]=s; a
a=y*1; a[:]=v[:3]; a*a
a=y*1; b=a.t(); b[1]=v[:2]; a*a
a=y*1; b=a[0]; b.mul_(2); b[0]=s; a*y
"""


@pytest.mark.parametrize("source", DIFFERENTIATED.strip().split("\n"))
def test_gradients(source: str) -> None:
    assert_gradients(source, INDEXES, LEAVES)


def test_an_index_changed_before_backward_is_noticed() -> None:
    x, index = flambeau.ones(3, requires_grad=True), flambeau.tensor([0, 1])
    y = x[index]
    index[0] = 2
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_views_share_memory_and_copies_do_not() -> None:
    x = flambeau.zeros(2, 3)
    for view in (x[0], x[:, 1:], x[None], x[...], x[0, 1], x[:, :], x[flambeau.tensor(1)]):
        before = x.sum().item()
        view += 1
        assert x.sum().item() > before
    for copy in (x[[0]], x[x > 0], x[True], x[:, flambeau.tensor([0])]):
        before = x.sum().item()
        copy += 1
        assert x.sum().item() == before


def test_meta_tensors_have_the_shapes() -> None:
    x = flambeau.zeros(2, 3, 4, device="meta")
    assert x[0, :, None].shape == (3, 1, 4)
    assert x[:, flambeau.tensor([0, 1, 1])].shape == (2, 3, 4)
    assert x[[0, 1], :, [1, 1]].shape == (2, 3)
    with pytest.raises(NotImplementedError, match="depends on the data"):
        x[flambeau.tensor([True, False])]


@pytest.mark.parametrize(
    "x", ["torch.arange(24.0).reshape(2, 3, 4).permute(2, 1, 0)", "torch.arange(2.0).expand(3, 2)"]
)
def test_strides_of_what_index_tensors_name(x: str) -> None:
    read = "[x[p], x[:, p], x[None, :, p], x[p, :, p], x[p.int()], x[:, p.int(), None], x[p.int().expand(3, 2, 2), p]]"
    assert_agree(read, f"x = {x}; p = torch.tensor([[0, 1], [1, 0]]).t()")
