"""einsum, tensordot, inner, kron, cross, multi_dot and bilinear against real PyTorch."""

import pytest
from against import assert_agree
from setups import MATRICES

EINSUM = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("bij,bjk->bik", (2, 2, 3), (2, 3, 4)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("ij->ji", (2, 3)),
    ("ij->", (2, 3)),
    ("i,j->ij", (2,), (3,)),
    ("...ij,...jk->...ik", (5, 2, 3), (3, 4)),
    ("ij,ij->", (2, 3), (2, 3)),
    ("i,i", (3,), (3,)),
    ("ij,j->i", (2, 3), (3,)),
    ("a,b,c->abc", (2,), (3,), (4,)),
    ("ijk,jil->kl", (2, 3, 4), (3, 2, 5)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("i j -> j i", (2, 3)),
    ("...->...", (2, 3)),
    ("ij,kj->ik", (2, 3), (4, 3)),
    ("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)),
    ("ij,jk->iz", (2, 3), (3, 4)),
    ("ij,jk->ii", (2, 3), (3, 4)),
    ("ij", (2, 3, 4)),
    ("ijk", (2, 3)),
    ("ij,jk->ik", (2, 3), (4, 4)),
    ("ij,jk->ik", (2, 3)),
    ("ij->ik", (2, 3), (3,)),
    ("i1->i", (2, 3)),
    ("i.j->i", (2, 3)),
    ("ij->i->j", (2, 3)),
    ("...i...", (2, 3)),
    ("ii->i", (3, 4)),
    ("ij,jk->ik", (2, 1), (3, 4)),
    ("", ()),
    ("->", ()),
    (",->", (), ()),
    ("ij->...", (2, 3)),
    ("...ij->ij", (4, 2, 3)),
    ("ij->ij...", (2, 3)),
    ("", (2,)),
    ("iJ->Ji", (2, 3)),
    ("ij-", (2, 3)),
    ("ij>", (2, 3)),
    ("ij->i.", (2, 3)),
    ("...ijk", (2,)),
    ("ij,ij->j", (2, 3), (2, 3)),
    ("iij->j", (2, 2, 3)),
    ("iijj->ij", (2, 2, 3, 3)),
    ("i,ij,j->", (2,), (2, 3), (3,)),
    ("...i,...i->...", (2, 1, 3), (4, 3)),
    ("ij,k->ik", (2, 3), (4,)),
    ("->...", ()),
    ("i...->...", (2, 3, 4)),
    ("ij,jk->ki", (2, 3), (3, 4)),
    ("acx,bx->abc", (2, 4, 5), (3, 5)),
    ("bx,acx->abc", (3, 5), (2, 4, 5)),
    ("cx,abx->abc", (4, 5), (2, 3, 5)),
    ("bcx,adx->abcd", (3, 4, 5), (2, 6, 5)),
    ("ba,b->a", (0, 3), (0,)),
    ("ij...,j...->i...", (2, 3), (3, 4)),
]


@pytest.mark.parametrize(("equation", "shapes"), [(e, s) for e, *s in EINSUM])
def test_einsum(equation: str, shapes: list[tuple[int, ...]]) -> None:
    args = ", ".join(f"t(*{s}, g=True)" for s in shapes)
    assert_agree(f"y = torch.einsum('{equation}', {args}); [y, chain(y.grad_fn)]", MATRICES)
    args = ", ".join(f"t(*{s}, d=torch.float64, g=True)" for s in shapes)
    assert_agree(f"grads(lambda *a: torch.einsum('{equation}', *a), {args})", MATRICES)


@pytest.mark.parametrize(
    "source",
    [
        "torch.einsum(t(2, 3), [0, 1], t(3, 4), [1, 2], [0, 2])",
        "torch.einsum(t(2, 3), [0, 1], t(3, 4), [1, 2])",
        "torch.einsum(t(2, 3), [..., 1], [1, ...])",
        "torch.einsum('ij,jk', [t(2, 3), t(3, 4)])",
        "torch.einsum('ij')",
        "torch.einsum()",
        "torch.einsum(t(2, 3), [0, 60])",
        "torch.einsum('ij', 3)",
        "torch.einsum(t(2, 3))",
        "torch.einsum('ij,jk', t(2, 3), t(3, 4, d=torch.float64))",
        "torch.einsum('ij,jk', t(2, 3, d=torch.int64), t(3, 4, d=torch.int64))",
    ],
)
def test_calls_of_einsum(source: str) -> None:
    assert_agree(source, MATRICES)


@pytest.mark.parametrize(
    "source",
    [
        "torch.tensordot(t(2, 3), t(3, 4), 1)",
        "torch.tensordot(t(2, 3, 4), t(3, 4, 5), 2)",
        "torch.tensordot(t(2, 3), t(4), 0)",
        "torch.tensordot(t(2, 3, 4), t(4, 3, 5), ([1, 2], [1, 0]))",
        "torch.tensordot(t(2, 3), t(2, 3), 2)",
        "torch.tensordot(t(2, 3), t(2, 3), -1)",
        "torch.tensordot(t(2, 3), t(2, 3), 3)",
        "torch.tensordot(t(2, 3), t(4, 3), 1)",
        "torch.tensordot(t(2, 1), t(3, 4), 1)",
        "torch.tensordot(t(2, 3), t(2, 3), ([0, 1], [0]))",
        "torch.tensordot(t(2, 2), t(2, 2), ([0, 0], [0, 1]))",
        "torch.tensordot(t(2, 2), t(2, 2), ([5], [0]))",
        "torch.tensordot(t(2, 3), t(3, 2), torch.tensor(1))",
        "torch.tensordot(t(2, 3), t(3, 2), torch.tensor([[1], [0]]))",
        "torch.tensordot(t(2, 3), t(3, 2), 1.5)",
        "torch.tensordot(t(2, 3), t(3, 2), 'a')",
        "torch.tensordot(t(2, 3), t(3, 2), [1])",
        "torch.tensordot(t(2, 3), t(3, 2), 1, out=torch.empty(2, 2))",
        "torch.tensordot(t(2, 3), t(3, 2, d=torch.float64), 1)",
        "grads(lambda a, b: torch.tensordot(a, b, ([1, 2], [1, 0])), t(2, 3, 4, g=True), t(4, 3, 5, g=True))",
        "grads(lambda a, b: torch.tensordot(a, b, 1), t(2, 1, g=True), t(3, 4, g=True))",
        "torch.inner(t(1, d=torch.int32), t(1, d=torch.int32))",
        "torch.inner(t(2, 1, g=True), t(3, 1, g=True))",
        "torch.bmm(t(0, 1, 1), t(0, 1, 1, d=torch.int64))",
        "torch.bmm(t(2, 1, 0), t(2, 0, 1, d=torch.int64))",
        "torch.bmm(t(1, 1, 1).to(torch.uint16), t(1, 1, 1).to(torch.uint16), out=torch.empty(1))",
        "torch.mv(t(2, 2), t(2), out=torch.empty(0, dtype=torch.int8))",
        "torch.dot(t(), t(), out=torch.empty(0, dtype=torch.int8))",
        "torch.matmul(t(2), t(2), out=torch.empty(0, dtype=torch.int8))",
        "torch.mm(t(2, 2), t(2, 2).long(), out=torch.empty(0).long())",
        "torch.inner(t(), t(3))",
        "torch.inner(t(2, 3), t())",
        "torch.inner(t(2, 2, 3), t(4, 3))",
        "torch.kron(t(), t(3))",
        "torch.kron(t(2, 3, 2), t(2))",
        "torch.kron(t(2), t(3), out=torch.empty(6, dtype=torch.float64))",
        "torch.kron(t(2), t(3), out=torch.empty(6, dtype=torch.int64))",
        "torch.cross(t(2, 3), t(2, 3, seed=1))",
        "torch.cross(t(3, 2), t(3, 2, seed=1), dim=0)",
        "torch.cross(t(2, 2), t(2, 2))",
        "torch.cross(t(2, 3), t(3), dim=1)",
        "torch.linalg.cross(t(2, 3), t(1, 3))",
        "torch.linalg.cross(t(2, 3), t(2, 3), dim=0)",
        "torch.linalg.cross(t(2, 3), t(2, 3), dim=5)",
        "torch.linalg.cross(t(2, 3), t(4, 3))",
        "torch.linalg.cross(t(2, 3), t(2, 3).to(torch.bool))",
        "torch.linalg.cross(t(2, 3).to(torch.bool), t(2, 3))",
        "torch.linalg.cross(t(3, 2).t(), t(3, 2).t())",
        "t(3).cross(t(3, seed=2), dim=0)",
        "torch.cross(t(2, 3), t(2, 3), dim=1, out=torch.empty(2, 3, dtype=torch.float64))",
        "grads(torch.linalg.cross, t(2, 3, g=True), t(1, 3, g=True))",
        "grads(torch.linalg.cross, t(2, 3, d=torch.complex64, g=True), t(2, 3, d=torch.complex64, g=True, seed=1) * 1j)",  # noqa: E501
        "torch.linalg.vecdot(t(2, 3), t(2, 3))",
        "torch.linalg.vecdot(t(2, 3, d=torch.int64), t(2, 3, d=torch.int64))",
        "torch.linalg.vecdot(t(2, 3), t(2, 4))",
        "torch.linalg.vecdot(t(2, 3), t(2, 3, d=torch.float64))",
        "torch.linalg.vecdot(t(2, 3, d=torch.complex64) * 1j, t(3, d=torch.complex64))",
        "torch.linalg.vecdot(t(3), t(3))",
        "grads(torch.linalg.vecdot, t(2, 3, g=True), t(2, 3, g=True))",
        *(
            f"torch.linalg.multi_dot([{', '.join(f't(*{s})' for s in ss)}])"
            for ss in (
                ((2, 3), (3, 4)),
                ((2, 3), (3, 4), (4, 5)),
                ((3,), (3, 4), (4,)),
                ((3,), (3,)),
                ((2, 3),),
                ((2, 3), (4, 5)),
                ((2, 3, 4), (4, 5)),
                ((2, 3), (3, 4, 5), (5, 2)),
                ((2, 3), (3, 4), (4, 5), (5,)),
                (),
                ((2, 3), (3,)),
            )
        ),
        "y = torch.linalg.multi_dot([t(2, 9, g=True), t(9, 3, g=True), t(3, 8, g=True), t(8, 1, g=True)]); [y, "
        "chain(y.grad_fn)]",
        "torch.linalg.multi_dot([t(2, 3), t(3, 3, d=torch.float64)])",
        "torch.chain_matmul(t(2, 3), t(3, 4), t(4, 2))",
        "torch.chain_matmul(t(2, 3))",
        "torch.chain_matmul()",
        "torch.chain_matmul(t(3), t(3))",
        *(
            f"F.bilinear({', '.join(f't(*{s})' for s in ss)})"
            for ss in (
                ((2, 3), (2, 4), (5, 3, 4), (5,)),
                ((2, 2, 3), (2, 2, 4), (5, 3, 4)),
                ((3,), (4,), (5, 3, 4), (5,)),
                ((2, 3), (3, 4), (5, 3, 4), (5,)),
                ((2, 3), (2, 4), (5, 3, 5), (5,)),
                ((2, 3), (2, 4), (5, 3, 4), (6,)),
                ((2, 3), (2, 4), (5, 2, 4), (5,)),
                ((2, 3), (2, 2, 4), (5, 3, 4)),
            )
        ),
        "grads(F.bilinear, t(2, 3, g=True), t(2, 4, g=True), t(5, 3, 4, g=True), t(5, g=True))[1:]",
    ],
)
def test_contractions(source: str) -> None:
    assert_agree(source, MATRICES)
