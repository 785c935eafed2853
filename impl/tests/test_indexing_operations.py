"""gather, scatter, index_*, masked_*, views of parts, triangles and diagonals against real PyTorch."""

import numpy as np
import pytest
from against import assert_agree, assert_gradients

import flambeau

SETUP = """
t = torch.tensor([[0.0, 1, 2], [3, 4, 5]])
r = torch.arange(24.0).reshape(2, 3, 4).requires_grad_()
c, z, e, l = r * 1, torch.tensor(5.0), torch.empty(0, 3), t.long()
b, u = torch.zeros(3, dtype=torch.bool), torch.zeros(3, dtype=torch.uint8)
v, cz = torch.arange(4.0, requires_grad=True), torch.tensor(5.0, requires_grad=True) * 1
m = torch.tensor([[True, False, True], [False, True, False]])
i, o = lambda *a: torch.tensor(a), lambda *s: torch.ones(s)
"""

CALLS = r"""
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
r.__getitem__(slice(0,1))
t.half()[0]
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
torch.masked_select(r,torch.tensor(True))
torch.masked_select(t,m)
torch.masked_select(t[0],m)
torch.masked_select(t,torch.tensor([True,False]))
torch.masked_select(t,m.byte())
torch.masked_select(z,torch.tensor(True))
torch.masked_scatter(t,m,o(7))
torch.masked_scatter(r,torch.tensor(True),o(24))
torch.masked_scatter(t,m,o(2))
torch.masked_scatter(t,m,o(7).long())
torch.masked_scatter(t,m.byte(),o(7))
torch.masked_scatter(t[0],m,o(7))
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
torch.scatter(t,0,i([0]),1.,out=torch.empty(1,1,dtype=torch.float64))
torch.scatter_add(t,0,i([0]),t[:1],out=torch.empty(1,1,dtype=torch.float64))
torch.scatter_reduce(t,0,i([0]),t[:1],'sum',out=torch.empty(1,1,dtype=torch.float64))
torch.masked_select(t,m,out=torch.empty(1,1,dtype=torch.float64))
torch.masked_select(t,m,out=torch.empty(1,1,dtype=torch.int64))
torch.nonzero(t,out=torch.empty(1,1,dtype=torch.float64))
torch.ones(2,dtype=torch.uint16).masked_fill(torch.tensor(True),1)
torch.ones(2,dtype=torch.complex32).masked_fill(torch.tensor(True),1)
torch.ones(2,dtype=torch.uint16)[[0]]
torch.ones(2,dtype=torch.uint16).index_fill(0,i(0),1)
torch.ones(2,dtype=torch.uint16).index_add(0,i(0),torch.ones(1,dtype=torch.uint16))
torch.ones(2,dtype=torch.uint16).index_copy(0,i(0),torch.ones(1,dtype=torch.uint16))
torch.ones(2,dtype=torch.uint16).index_select(0,i(0))
torch.ones(2,dtype=torch.uint16).gather(0,i(0))
torch.ones(2,dtype=torch.uint16).scatter(0,i(0),1)
torch.ones(2,dtype=torch.uint16).scatter(0,i(0),torch.ones(1,dtype=torch.uint16))
torch.ones(2,dtype=torch.uint16).scatter_add(0,i(0),torch.ones(1,dtype=torch.uint16))
torch.ones(2,dtype=torch.uint16).scatter_reduce(0,i(0),torch.ones(1,dtype=torch.uint16),'amax')
torch.ones(2,dtype=torch.uint16).take(i(0))
torch.ones(2,dtype=torch.uint16).put(i(0),torch.ones(1,dtype=torch.uint16))
torch.ones(2,dtype=torch.uint16).masked_select(torch.tensor(True))
torch.ones(2,dtype=torch.uint16).masked_scatter(torch.tensor([True,False]),torch.ones(1,dtype=torch.uint16))
torch.ones(2,dtype=torch.uint16).nonzero()
torch.ones(2,2,dtype=torch.uint16).tril()
torch.ones(2,2,dtype=torch.uint16).diag()
torch.ones(2,dtype=torch.uint16).diag_embed()
torch.ones(2,dtype=torch.complex32).index_add(0,i(0),torch.ones(1,dtype=torch.complex32))
torch.ones(2,dtype=torch.complex32).index_copy(0,i(0),torch.ones(1,dtype=torch.complex32))
torch.ones(2,dtype=torch.complex32).index_select(0,i(0))
torch.ones(2,dtype=torch.complex32).gather(0,i(0))
torch.ones(2,dtype=torch.complex32).scatter(0,i(0),1)
torch.ones(2,dtype=torch.complex32).scatter_add(0,i(0),torch.ones(1,dtype=torch.complex32))
torch.ones(2,dtype=torch.complex32).scatter_reduce(0,i(0),torch.ones(1,dtype=torch.complex32),'sum')
torch.ones(2,dtype=torch.complex32).take(i(0))
torch.ones(2,dtype=torch.complex32).put(i(0),torch.ones(1,dtype=torch.complex32))
torch.ones(2,dtype=torch.complex32).masked_select(torch.tensor(True))
torch.ones(2,dtype=torch.complex32).masked_scatter(torch.tensor([True,False]),torch.ones(1,dtype=torch.complex32))
torch.ones(2,dtype=torch.complex32).nonzero()
torch.ones(2,2,dtype=torch.complex32).tril()
torch.ones(2,dtype=torch.complex32)[[0]]
torch.ones(2,dtype=torch.complex32).index_fill(0,i(0),1)
torch.ones(2,dtype=torch.bool).index_fill(0,i(0),1)
torch.ones(2,dtype=torch.bool).index_reduce(0,i(0),torch.ones(1,dtype=torch.bool),'prod')
torch.ones(2,dtype=torch.bool).index_reduce(0,i(0),torch.ones(1,dtype=torch.bool),'mean')
torch.ones(2,dtype=torch.complex64).index_reduce(0,i(0),torch.ones(1,dtype=torch.complex64),'amax')
torch.ones(2,dtype=torch.uint16).index_put((i(0),),torch.ones(1,dtype=torch.uint16))
torch.ones(2,dtype=torch.uint16).index_put((i(0),),torch.ones(1,dtype=torch.uint16),True)
torch.ones(2,dtype=torch.complex32).index_put((i(0),),torch.ones(1,dtype=torch.complex32),True)
torch.ones(3,3).index_put((i(0),),torch.ones(1),True)
torch.ones(2,dtype=torch.uint16)[:1]
torch.ones(2,dtype=torch.complex32).diag()
t.masked_scatter(m,o(9).half())
torch.ones(2,dtype=torch.uint16).unfold(0,1,1)
"""


@pytest.mark.parametrize("source", CALLS.strip().split("\n"))
def test_calls(source: str) -> None:
    assert_agree(source, SETUP, rtol=1e-6)


# ------------------------------------------------------------------------------------------ dtypes

DTYPED = """
x.gather(1, i([0, 2, 2], [1, 1, 0]))
x.index_select(1, i(2, 0, 0))
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
x.take(i(0, 5, -1))
x.put(i(0, 5, -1), x[0], True)
x.masked_fill(m, 1)
x.masked_select(m)
x.masked_scatter(m, x)
x.nonzero()
x.tril()
x.triu(1)
x.diag(1)
x.diagonal()
x.diag_embed()
x.unfold(1, 2, 1)
x.slice_scatter(x[:1], 0, 1)
x.masked_fill_(m, 1); x
x.scatter_(0, i([0, 1, 1]), x.clone()); x
x.index_add_(1, i(0, 0, 2), x.clone()); x
x.t().index_add_(0, i(0, 0, 2), x.t().clone()); x
x[:, 1:].scatter_add_(1, i([0, 0], [0, 1]), x.clone()); x
"""


DTYPES = ["bool", "uint8", "int32", "int64", "uint16", "float16", "bfloat16", "float64", "complex32", "complex64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("source", DTYPED.strip().split("\n"))
def test_dtypes(source: str, dtype: str) -> None:
    setup = (
        f"x = torch.tensor([[0, 1, 2], [3, 1, 0]]).to(torch.{dtype}); i = lambda *a: torch.tensor(a); "
        "m = torch.tensor([[True, False, True], [False, True, False]])"
    )
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
x.tril_(); x
x.triu_(); x
x.masked_fill_(m, 3); x
x.index_fill_(0, i(0, 1), 3); x
x.index_put_((i(0, 1),), torch.tensor(3.0)); x
x[0] = 3; x
x.index_add_(0, i(0, 1), torch.ones(2, 2))
x.scatter_(0, i([0, 1]), torch.ones(1, 2))
"""


@pytest.mark.parametrize("source", EXPANDED.strip().split("\n"))
def test_updates_of_expanded_tensors(source: str) -> None:
    setup = (
        "x = torch.ones(1, 2).expand(2, 2); i = lambda *a: torch.tensor(a); "
        "m = torch.tensor([[True, False], [False, True]])"
    )
    assert_agree(source, setup)


# ------------------------------------------------------------------------------------------ gradients

LEAVES = {
    "x": np.random.RandomState(1).randn(2, 3, 4), "y": np.random.RandomState(2).randn(2, 3),
    "v": np.random.RandomState(3).randn(4), "s": 0.7, "w": np.random.RandomState(6).randn(3, 3, 4),
    "c": np.random.RandomState(4).randn(2, 3) + 1j * np.random.RandomState(5).randn(2, 3),
}  # fmt: skip
DIFFERENTIATED = """
x.select(1,2)
x.narrow(1,1,2)
x.diagonal(1,0,2)
x.diagonal(-1,1,2)**2
x.unfold(2,2,1)
x.unfold(1,3,2)**2
s.unfold(0,1,1)
a=y*1; b=a[0]; b.mul_(2); b[0]=s; a*y
x.index_put((i(0,0),i(1,1)),v)
x.index_put((i(0,0),i(1,1)),v,True)**2
y.index_put((m,),s)
y.index_put((m,),v[:3],accumulate=True)
torch.gather(x,1,i([[0,1,2,3],[0,0,0,0]]) % 3 if False else torch.zeros(2,5,4,dtype=torch.int64))
torch.gather(y,1,i([0,0,1],[2,2,2]))**2
torch.gather(s,0,i(0,0))
torch.index_select(x,1,i(0,0,2))**2
torch.index_select(s,0,i(0))
torch.index_select(v,0,torch.tensor(2))
torch.index_add(x,0,i(0,1,0),w)**2
torch.index_add(x,0,i(0,1,0),w,alpha=2)
torch.index_add(s,0,torch.tensor(0),s)
torch.index_copy(x,0,i(1,0),w[:2])**2
torch.index_copy(x,0,i(1,1),w[:2])
torch.index_fill(x,1,i(0,2),2.)
torch.index_fill(x,1,i(0,2),s)**2
torch.index_fill(x,1,i(0,0),s)**2
torch.take(x,i([0,5],[5,-1]))**2
torch.put(x,i(0,5,5,-1),v)**2
torch.put(x,i(0,5,5,-1),v,True)**2
torch.take_along_dim(x,i([[0],[1]]).reshape(2,1,1),1)
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
y.masked_select(m)**2
y[0].masked_select(m)**2
y.masked_scatter(m,v)**2
y.masked_scatter(m,w)**2
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
a=y*1; a.masked_fill_(m,s); a**2
a=y*1; a.scatter_(0,i([0,1,0]),w[0,:1,:3]); a**2
a=y*1; a.index_add_(0,i(0,0),w[0,:2,:3]); a**2
a=y*1; a[1].scatter_add_(0,i(0,0),v[:2]); a**2
a=y*1; a.tril_(); a**2
a=y*1; a.diagonal().mul_(s); a**2
a=y*1; a.index_put_((i(0),i(1)),s); a*y
c.masked_fill(m,1j)
c.index_add(0,i(0,0),c)**2
c.detach().scatter_reduce(0,i([0,0,1]),c.detach()[:1],"prod").real*s
torch.where(m,y,s)
"""


@pytest.mark.filterwarnings("ignore:index_reduce")
@pytest.mark.parametrize("source", DIFFERENTIATED.strip().split("\n"))
def test_gradients(source: str) -> None:
    setup = (
        "i = lambda *a: torch.tensor(a); o = lambda *s: torch.ones(s, dtype=torch.float64); "
        "m = torch.tensor([[True, False, True], [False, True, False]])"
    )
    assert_gradients(source, setup, LEAVES)


def test_meta_tensors_have_the_shapes() -> None:
    x, index = flambeau.zeros(2, 3, device="meta"), flambeau.tensor([[0, 1, 0]])
    assert x.scatter_add(0, index.to("meta"), x).shape == (2, 3)
    assert x.index_fill(0, flambeau.tensor([0]), 1.0).shape == (2, 3)
    assert x.diagonal().shape == (2,)
    assert x.unfold(1, 2, 1).shape == (2, 2, 2)
    with pytest.raises(NotImplementedError, match="depends on the data"):
        x.nonzero()


LAYOUTS = r"""
x.flip(0), x.flip(2), x.flip(()), x.rot90(1), x.rot90(-1, (1, 2)), x.rot90(2), x.rot90(0)
s.flip(0), s.flip(1), s.rot90(1), s.rot90(4)
torch.cat([x, x], 1), torch.stack([x, x], 0), torch.stack([x, x], 3), torch.cat([x.contiguous(), x], 0)
torch.cat([n, n], 1), torch.cat([n, n.contiguous()], 1), torch.stack([n, n], 1), torch.stack([n[0], n[0]], 3)
torch.cat([torch.zeros(0)], 5)
x[p], x[:, p], x[None, :, p], x[p, :, p], x[p.int()], x[:, p.int(), None], s[p], s[:, p], s[p.int().expand(3, 2, 2), p]
"""


@pytest.mark.parametrize("line", LAYOUTS.strip().splitlines())
def test_layouts(line: str) -> None:
    assert_agree(
        f"[({line},)]",
        "x = torch.arange(24.0).reshape(2, 3, 4).permute(2, 1, 0)\ns = torch.arange(2.0).expand(3, 2)\n"
        "n = torch.arange(120.0).reshape(2, 3, 4, 5).permute(0, 3, 1, 2)\np = torch.tensor([[0, 1], [1, 0]]).t()",
    )


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


OUT_FIRST = r"""
torch.index_select(u, 0, i, out=o)
torch.gather(u, 0, i, out=o)
torch.masked_select(u, u == u, out=o)
torch.take(u, i, out=o)
torch.nonzero(u, out=o)
torch.masked_select(u, torch.tensor(False)).shape
torch.masked_select(u, torch.tensor(True))
torch.take_along_dim(torch.zeros(2, 2).t(), i)
torch.cat([o, torch.zeros(1, 1)], out=torch.zeros((), dtype=torch.int64))
"""


@pytest.mark.parametrize("line", OUT_FIRST.strip().splitlines())
def test_what_is_looked_at_first(line: str) -> None:
    assert_agree(line, "u = torch.tensor([1, 2], dtype=torch.uint16)\ni = torch.tensor([0, 1])\no = torch.zeros(3)")
