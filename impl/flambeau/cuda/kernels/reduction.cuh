// Reductions over collapsed geometry: a block or a thread for each result. Order of summation is fixed: same bits
// each run. A long reduction into few results is split; its parts are reduced by a second launch.
#pragma once
#include "elementwise.cuh"

namespace flambeau {

template <Arithmetic T> FLAMBEAU_DEVICE T below_all() {
  if constexpr (Real<T>) return -infinity<T>();
  else return smallest<T>();
}
template <Arithmetic T> FLAMBEAU_DEVICE T above_all() {
  if constexpr (Real<T>) return infinity<T>();
  else return largest<T>();
}

struct Sum {
  template <class A> static FLAMBEAU_DEVICE A identity() { return A(0); }
  template <class A> static FLAMBEAU_DEVICE A combine(A x, A y) { return x + y; }
  template <class A> static FLAMBEAU_DEVICE A finish(A x, double) { return x; }
};
struct Mean : Sum {
  template <class A> static FLAMBEAU_DEVICE A finish(A x, double count) { return x / A(count); }
};
struct Prod : Sum {
  template <class A> static FLAMBEAU_DEVICE A identity() { return A(1); }
  template <class A> static FLAMBEAU_DEVICE A combine(A x, A y) { return x * y; }
};
struct Max : Sum {
  template <class A> static FLAMBEAU_DEVICE A identity() { return below_all<A>(); }
  template <class A> static FLAMBEAU_DEVICE A combine(A x, A y) { return maximum(x, y); }
};
struct Min : Sum {
  template <class A> static FLAMBEAU_DEVICE A identity() { return above_all<A>(); }
  template <class A> static FLAMBEAU_DEVICE A combine(A x, A y) { return minimum(x, y); }
};
struct All : Sum {
  template <class A> static FLAMBEAU_DEVICE A identity() { return true; }
  template <class A> static FLAMBEAU_DEVICE A combine(A x, A y) { return x && y; }
};
struct Any : Sum {
  template <class A> static FLAMBEAU_DEVICE A identity() { return false; }
  template <class A> static FLAMBEAU_DEVICE A combine(A x, A y) { return x || y; }
};

template <class T> FLAMBEAU_DEVICE T shuffle_down(T x, int distance) {
  constexpr unsigned everyone = 0xffffffffu;
  if constexpr (is_complex<T>) return {shuffle_down(x.real, distance), shuffle_down(x.imag, distance)};
  else if constexpr (Integral<T> && sizeof(T) < 4) return T(__shfl_down_sync(everyone, int(x), distance));
  else return __shfl_down_sync(everyone, x, distance);
}

// The block's combined value, in thread 0. Every thread of the block must call it; whole warps only.
template <class Op, class A> FLAMBEAU_DEVICE A block_combine(A x) {
  __shared__ A of_warp[32];
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
  for (int d = 16; d > 0; d >>= 1) x = Op::combine(x, shuffle_down(x, d));
  __syncthreads();  // a previous call may still be reading
  if (lane == 0) of_warp[warp] = x;
  __syncthreads();
  if (warp == 0) {
    x = lane < warps ? of_warp[lane] : Op::template identity<A>();
    for (int d = 16; d > 0; d >>= 1) x = Op::combine(x, shuffle_down(x, d));
  }
  return x;
}

template <class Index> struct ReductionArguments {
  void* result;
  const void* operand;
  Index results, length;   // how many results, and elements in each
  Index parts, part;       // into how many parts a result's elements are split, and elements in a part
  i32 kept_dims, dims;     // of the results, and of the elements of one; innermost first
  Divisor<Index> kept_size[MAX_DIMS], size[MAX_DIMS];
  Index result_stride[MAX_DIMS], kept_stride[MAX_DIMS], stride[MAX_DIMS];
  double count;            // what a mean divides by
};

template <class Index>
FLAMBEAU_DEVICE Index offset_of(Index i, i32 dims, const Divisor<Index>* size, const Index* stride) {
  Index offset = 0;
#pragma unroll
  for (int d = 0; d < MAX_DIMS; ++d) {
    if (d == dims) break;
    Index quotient = size[d].divide(i);
    offset += (i - quotient * Index(size[d].value)) * stride[d];
    i = quotient;
  }
  return offset;
}

// Elements first, first + step, … below end, through four accumulators to hide the latency of loads.
template <class Op, class Index, class A, class T>
FLAMBEAU_DEVICE A reduce_elements(const ReductionArguments<Index>& a, const T* x, Index first, Index step, Index end) {
  constexpr int K = 4;
  A sum[K];
#pragma unroll
  for (int k = 0; k < K; ++k) sum[k] = Op::template identity<A>();
  Index i = first;
  for (; i < end - (K - 1) * step; i += K * step) {
#pragma unroll
    for (int k = 0; k < K; ++k)
      sum[k] = Op::combine(sum[k], cast<A>(x[offset_of(Index(i + k * step), a.dims, a.size, a.stride)]));
  }
  for (; i < end; i += step) sum[0] = Op::combine(sum[0], cast<A>(x[offset_of(i, a.dims, a.size, a.stride)]));
  return Op::combine(Op::combine(sum[0], sum[1]), Op::combine(sum[2], sum[3]));
}

// One block for each part of each result. R is A, unfinished and contiguous, where there are several parts.
template <class Op, class Index, class A, class R, class T, bool Finish>
__global__ void reduce_by_block(ReductionArguments<Index> a) {
  Index tasks = a.results * a.parts;
  for (Index task = blockIdx.x; task < tasks; task += gridDim.x) {
    Index result = task / a.parts, begin = (task - result * a.parts) * a.part;
    Index end = a.length - begin < a.part ? a.length : begin + a.part;
    const T* x = static_cast<const T*>(a.operand) + offset_of(result, a.kept_dims, a.kept_size, a.kept_stride);
    A value = reduce_elements<Op, Index, A>(a, x, Index(begin + Index(threadIdx.x)), Index(blockDim.x), end);
    value = block_combine<Op>(value);
    if (threadIdx.x == 0) {
      R* out = static_cast<R*>(a.result);
      if constexpr (Finish)
        out[offset_of(result, a.kept_dims, a.kept_size, a.result_stride)] = cast<R>(Op::finish(value, a.count));
      else out[task] = value;
    }
  }
}

// One thread for each result: for short reductions, and where neighbouring results lie side by side in memory.
template <class Op, class Index, class A, class R, class T>
__global__ void reduce_by_thread(ReductionArguments<Index> a) {
  Index step = Index(gridDim.x) * Index(blockDim.x);
  for (Index result = Index(blockIdx.x) * Index(blockDim.x) + Index(threadIdx.x); result < a.results; result += step) {
    const T* x = static_cast<const T*>(a.operand) + offset_of(result, a.kept_dims, a.kept_size, a.kept_stride);
    A value = reduce_elements<Op, Index, A>(a, x, Index(0), Index(1), a.length);
    R* out = static_cast<R*>(a.result) + offset_of(result, a.kept_dims, a.kept_size, a.result_stride);
    *out = cast<R>(Op::finish(value, a.count));
  }
}

}  // namespace flambeau
