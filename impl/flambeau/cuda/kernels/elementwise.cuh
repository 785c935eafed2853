// Elementwise kernels: one functor over any operands. Every argument stands in one struct, packed by launch.py.
// Pointers are not __restrict__: an in-place operation writes what it reads.
#pragma once
#include "math.cuh"

namespace flambeau {

constexpr int MAX_DIMS = 8;  // after collapsing; launch.py asks for a contiguous copy beyond

// Division of numbers below 2^31 by a fixed divisor through a product (Granlund and Montgomery, 1994).
template <class Index> struct Divisor {
  Index value;
  FLAMBEAU_DEVICE Index divide(Index n) const { return n / value; }
};
template <> struct Divisor<i32> {
  u32 value, multiplier, shift;
  FLAMBEAU_DEVICE i32 divide(i32 n) const { return i32((__umulhi(u32(n), multiplier) + u32(n)) >> shift); }
};

template <class Index, class S, int N, int P> struct ContiguousArguments {
  void* result;
  const void* operand[N ? N : 1];
  Index count;
  S parameter[P ? P : 1];
};

template <class Index, class S, int N, int P> struct StridedArguments {
  void* result;
  const void* operand[N ? N : 1];
  Index count;
  i32 dims;  // dimensions stand innermost first; strides in elements
  Divisor<Index> size[MAX_DIMS];
  Index stride[N + 1][MAX_DIMS];  // the result's first
  S parameter[P ? P : 1];
};

template <class Op, class C, class... T> struct Apply {
  template <class Arguments, class Load, int... I, int... J>
  static FLAMBEAU_DEVICE auto with(const Arguments& a, const Load& load, indices<I...>, indices<J...>) {
    return Op::template apply<C>(
        cast<either<(Op::masks >> I & 1) != 0, bool, C>>(load.template operator()<T, I>())..., a.parameter[J]...);
  }
  template <class Arguments, class Load> static FLAMBEAU_DEVICE auto with(const Arguments& a, const Load& load) {
    return with(a, load, indices_below<sizeof...(T)>{}, indices_below<Op::parameters>{});
  }
};

template <int I, int W, class T> struct Lane { Vector<T, W> value; };
template <class Indices, int W, class... T> struct Lanes;
template <int... I, int W, class... T> struct Lanes<indices<I...>, W, T...> : Lane<I, W, T>... {
  template <class Index> FLAMBEAU_DEVICE void load(const void* const* operand, Index i) {
    ((Lane<I, W, T>::value = static_cast<const Vector<T, W>*>(operand[I])[i]), ...);
  }
};

// W elements a thread at once; all pointers are aligned to W of their elements.
template <class Op, int W, class Index, class C, class R, class... T>
__global__ void elementwise_contiguous(
    ContiguousArguments<Index, typename Op::template Parameter<C>, sizeof...(T), Op::parameters> a) {
  constexpr int N = sizeof...(T);
  Index first = Index(blockIdx.x) * Index(blockDim.x) + Index(threadIdx.x);
  Index step = Index(gridDim.x) * Index(blockDim.x), whole = a.count / W;
  if constexpr (W > 1) {
    for (Index i = first; i < whole; i += step) {
      Lanes<indices_below<N>, W, T...> lanes;
      lanes.load(a.operand, i);
      Vector<R, W> out;
#pragma unroll
      for (int k = 0; k < W; ++k) {
        auto load = [&]<class S, int I>() { return static_cast<Lane<I, W, S>&>(lanes).value.lane[k]; };
        out.lane[k] = cast<R>(Apply<Op, C, T...>::with(a, load));
      }
      static_cast<Vector<R, W>*>(a.result)[i] = out;
    }
  }
  for (Index i = whole * W * (W > 1) + first; i < a.count; i += step) {
    auto load = [&]<class S, int I>() { return static_cast<const S*>(a.operand[I])[i]; };
    static_cast<R*>(a.result)[i] = cast<R>(Apply<Op, C, T...>::with(a, load));
  }
}

template <class Op, class Index, class C, class R, class... T>
__global__ void elementwise_strided(
    StridedArguments<Index, typename Op::template Parameter<C>, sizeof...(T), Op::parameters> a) {
  constexpr int N = sizeof...(T);
  Index step = Index(gridDim.x) * Index(blockDim.x);
  for (Index i = Index(blockIdx.x) * Index(blockDim.x) + Index(threadIdx.x); i < a.count; i += step) {
    Index offset[N + 1] = {}, rest = i;
#pragma unroll
    for (int d = 0; d < MAX_DIMS; ++d) {
      if (d == a.dims) break;
      Index quotient = a.size[d].divide(rest), coordinate = rest - quotient * Index(a.size[d].value);
      rest = quotient;
#pragma unroll
      for (int k = 0; k <= N; ++k) offset[k] += coordinate * a.stride[k][d];
    }
    auto load = [&]<class S, int I>() { return static_cast<const S*>(a.operand[I])[offset[I + 1]]; };
    static_cast<R*>(a.result)[offset[0]] = cast<R>(Apply<Op, C, T...>::with(a, load));
  }
}

}  // namespace flambeau
