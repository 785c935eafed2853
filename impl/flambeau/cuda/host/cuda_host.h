// Runs unmodified CUDA C++ kernels on the CPU, for tests (g++, C++20; x86-64, elsewhere through ucontext).
// One launch at a time in a process. Blocks run one after another; a block's threads are fibers that switch only where
// they wait: barrier, shuffle, vote. A wait that can never end (divergent barrier, mismatched masks) is an error.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>
#include <link.h>
#if !defined(__x86_64__) || defined(CUDA_HOST_UCONTEXT)
#include <ucontext.h>
#endif
#include <sys/mman.h>
// NVIDIA's own host versions of __half, __nv_bfloat16, float4, dim3 (nvidia-cuda-runtime, nvidia-cuda-crt).
#include <cuda_fp16.h>
#include <cuda_bf16.h>
#undef __global__
#undef __device__
#undef __host__
#undef __shared__
#undef __constant__
#undef __launch_bounds__
#undef __align__
#undef __forceinline__
#define __global__
#define __device__
#define __host__
#define __constant__ static
// All of a module's thread-local storage is shared memory, so that each block can start with it poisoned.
#define __shared__ thread_local
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))

#ifndef CUDA_HOST_SMEM
// What kernels call their dynamic array: extern __shared__ __align__(16) unsigned char smem[];
#define CUDA_HOST_SMEM smem
#endif
alignas(1024) thread_local unsigned char CUDA_HOST_SMEM[227 << 10];

namespace cuda_host {
constexpr size_t STACK = 64 << 10, DYNAMIC = sizeof CUDA_HOST_SMEM;
static uint3 thread_index, block_index;
static dim3 block_size, grid_size;

#if defined(__x86_64__) && !defined(CUDA_HOST_UCONTEXT)
extern "C" void cuda_host_switch(void** save, void* to);
asm(R"(.text
.p2align 4
.hidden cuda_host_switch
.globl cuda_host_switch
cuda_host_switch:
 pushq %rbp
 pushq %rbx
 pushq %r12
 pushq %r13
 pushq %r14
 pushq %r15
 movq %rsp,(%rdi)
 movq %rsi,%rsp
 popq %r15
 popq %r14
 popq %r13
 popq %r12
 popq %rbx
 popq %rbp
 ret
)");
struct Context {
  void* sp;
  void make(char* stack, void (*fn)()) {
    static unsigned n;
    void** p = (void**)(stack + STACK - 64 - n++ % 61 * 192); /* spread over the cache sets */
    *--p = nullptr;
    *--p = (void*)fn;
    p -= 6;
    sp = p;
  }
  static void swap(Context& from, Context& to) { cuda_host_switch(&from.sp, to.sp); }
};
#else
struct Context {
  ucontext_t u;
  void make(char* stack, void (*fn)()) {
    getcontext(&u);
    u.uc_stack.ss_sp = stack;
    u.uc_stack.ss_size = STACK;
    u.uc_link = nullptr;
    makecontext(&u, fn, 0);
  }
  static void swap(Context& from, Context& to) { swapcontext(&from.u, &to.u); }
};
#endif

struct Fiber {
  Context ctx;
  unsigned linear;
};
struct Warp;
struct Group {  // one warp collective being gathered
  unsigned mask, arrived;
  void (*done)(void*, Warp&, unsigned);
  void* arg;
  std::vector<Fiber*> wait;
};
struct Warp {
  unsigned exited;
  std::vector<Fiber*> ready;
  Group group[32];
  uint64_t value[32][2], answer[32][2];
  int source[32];
};
struct State {
  Context main;
  Fiber* current;
  unsigned n, next, live, order, seed, ready_count;
  std::vector<Fiber*> all, idle, at_barrier;
  std::vector<unsigned> order_of_start;
  std::vector<Warp> warp;
  void (*call)(void*);
  void* arg;
  const char* error;
  char message[256];
} static state;

inline uint3 coordinates(unsigned l) {
  return make_uint3(l % block_size.x, l / block_size.x % block_size.y, l / (block_size.x * block_size.y));
}
[[noreturn]] inline void fail(const char* what) {
  snprintf(state.message, sizeof state.message, "%s in block (%u,%u,%u) thread (%u,%u,%u)", what, block_index.x,
           block_index.y, block_index.z, thread_index.x, thread_index.y, thread_index.z);
  state.error = state.message;
  Fiber* me = state.current;
  Context::swap(me->ctx, state.main);
  abort();
}
inline void block() {  // back to the scheduler until made ready
  Fiber* me = state.current;
  Context::swap(me->ctx, state.main);
  thread_index = coordinates(me->linear);
}
inline unsigned random_below(unsigned n) {
  state.seed = state.seed * 1664525u + 1013904223u;
  return (state.seed >> 8) % n;
}
inline void release(std::vector<Fiber*>& w) {
  for (Fiber* f : w) state.warp[f->linear / 32].ready.push_back(f);
  state.ready_count += w.size();
  w.clear();
}
inline bool complete(Warp& w, Group& g) {
  if (!g.arrived || (g.mask & ~w.exited) != g.arrived) return false;
  g.done(g.arg, w, g.arrived);
  g.arrived = 0;
  release(g.wait);
  return true;
}
inline void leave(unsigned l) {  // a thread returned: barriers and collectives no longer wait for it
  Warp& w = state.warp[l / 32];
  w.exited |= 1u << l % 32;
  if (--state.live && state.at_barrier.size() == state.live) release(state.at_barrier);
  for (auto& g : w.group) complete(w, g);
}
inline void fiber_main() {
  for (;;) {
    while (state.next < state.n) {
      state.current->linear = state.order_of_start[state.next++];
      thread_index = coordinates(state.current->linear);
      state.call(state.arg);
      leave(state.current->linear);
    }
    state.idle.push_back(state.current);
    block();
  }
}
inline void barrier() {
  if (state.at_barrier.size() + 1 == state.live)
    release(state.at_barrier);
  else {
    state.at_barrier.push_back(state.current);
    block();
  }
}

// The last lane of mask to arrive (or another's return) runs f(w, present), which fills answer[] for all; then all go
// on.
template <class F>
inline void collective(unsigned mask, F f) {
  unsigned l = state.current->linear % 32;
  Warp& w = state.warp[state.current->linear / 32];
  if (!(mask >> l & 1)) fail("warp collective: the calling lane is not in its mask");
  unsigned k = 0, i = 32;  // the group gathering under this very mask, else a free one
  while (k < 32 && !(w.group[k].arrived && w.group[k].mask == mask)) {
    if (!w.group[k].arrived && i == 32) i = k;
    ++k;
  }
  Group& g = w.group[k < 32 ? k : i];
  g.mask = mask;
  g.arrived |= 1u << l;
  g.arg = &f;
  g.done = [](void* p, Warp& w, unsigned m) { (*(F*)p)(w, m); };
  if (!complete(w, g)) {
    g.wait.push_back(state.current);
    block();
  }
}
template <class T>
inline T shuffle(unsigned mask, T v, int source) {
  static_assert(sizeof(T) <= 16);
  unsigned l = state.current->linear % 32;
  Warp& w = state.warp[state.current->linear / 32];
  memcpy(w.value[l], &v, sizeof v);
  w.source[l] = source;
  collective(mask, [](Warp& w, unsigned m) {
    for (unsigned i = 0; i < 32; ++i)
      if (m >> i & 1) {
        if (m >> w.source[i] & 1)
          memcpy(w.answer[i], w.value[w.source[i]], 16);
        else
          memset(w.answer[i], 0xff, 16);
      }
  });  // from an absent lane: poison
  memcpy(&v, w.answer[l], sizeof v);
  return v;
}
template <class F>
inline unsigned vote(unsigned mask, bool p, F f) {
  unsigned l = state.current->linear % 32;
  Warp& w = state.warp[state.current->linear / 32];
  w.value[l][0] = p;
  collective(mask, [&](Warp& w, unsigned m) {
    unsigned b = 0;
    for (unsigned i = 0; i < 32; ++i)
      if (m >> i & 1 && w.value[i][0]) b |= 1u << i;
    for (unsigned i = 0; i < 32; ++i)
      if (m >> i & 1) w.answer[i][0] = f(b, m);
  });
  return w.answer[l][0];
}

inline void poison(
    size_t shared) {  // shared memory starts each block as NaN / -1: find this module's thread-local segment once
  static size_t before = 0, after = 0, found = 0;
  char* d = (char*)CUDA_HOST_SMEM;
  if (!found)
    found = 1, dl_iterate_phdr(
                   [](dl_phdr_info* i, size_t, void* d) {
                     for (int k = 0; k < i->dlpi_phnum; ++k) {
                       auto& p = i->dlpi_phdr[k];
                       char* t = (char*)i->dlpi_tls_data;
                       if (p.p_type == PT_TLS && t && (char*)d >= t && (char*)d < t + p.p_memsz)
                         before = (char*)d - t, after = p.p_memsz - before - DYNAMIC;
                     }
                     return 0;
                   },
                   d);
  memset(d - before, 0xff, before + shared);
  memset(d + DYNAMIC, 0xff, after);
}
inline bool run_block(size_t shared) {
  poison(shared);
  unsigned nw = state.warp.size(), cw = 0;
  state.next = state.ready_count = 0;
  state.live = state.n;
  state.at_barrier.clear();
  state.idle = state.all;
  for (unsigned i = 0; i < nw; ++i) {
    Warp& w = state.warp[i];
    unsigned k = state.n - 32 * i < 32 ? state.n - 32 * i : 32;
    w.exited = k == 32 ? 0 : ~0u << k;
    w.ready.clear();
    for (auto& g : w.group) g.arrived = 0, g.wait.clear();
  }
  while (state.live) {
    auto* r = &state.warp[cw].ready;  // a warp runs as far ahead of the others as it can: what a race needs to show
    if (!r->empty() || (state.next == state.n && state.ready_count)) {
      for (cw = !r->empty()        ? cw
                : state.order == 0 ? 0
                : state.order == 1 ? nw - 1
                                   : random_below(nw);
           state.warp[cw].ready.empty();)
        cw = (state.order == 1 ? cw + nw - 1 : cw + 1) % nw;
      r = &state.warp[cw].ready;
      if (state.order > 1) std::swap((*r)[random_below(r->size())], r->back());
      state.current = r->back();
      r->pop_back();
      --state.ready_count;
    } else if (state.next < state.n) {
      if (state.idle.empty()) {
        auto* f = new Fiber;
        f->ctx.make(
            (char*)mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
            fiber_main);
        state.all.push_back(f);
        state.idle.push_back(f);
      }
      state.current = state.idle.back();
      state.idle.pop_back();
    } else {
      snprintf(state.message, sizeof state.message,
               "deadlock in block (%u,%u,%u): %zu of %u live threads at __syncthreads, the others in warp collectives",
               block_index.x, block_index.y, block_index.z, state.at_barrier.size(), state.live);
      state.error = state.message;
    }
    if (!state.error) Context::swap(state.main, state.current->ctx), cw = state.current->linear / 32;
    if (state.error) {
      state.all.clear();
      return false;
    }  // abandoned fibers keep their stacks: a failed launch is a failed test
  }
  return true;
}

// The largest parameter block of a kernel on sm_70 and later.
constexpr size_t PARAMETERS = 32764;

// As cuLaunchKernel with CU_LAUNCH_PARAM_BUFFER: parameters stand in one buffer, each at its natural alignment.
// order says who runs when, to bring races out: 0 threads and warps ascending, 1 descending, else lanes and warps at
// random from that seed. Returns what went wrong, or nullptr.
template <class... A>
const char* launch(void (*kernel)(A...), dim3 grid, dim3 block, size_t shared, const void* packed, size_t bytes,
                   unsigned order) {
  state.error = nullptr;
  state.order = order;
  grid_size = grid;
  block_size = block;
  state.n = block.x * block.y * block.z;
  bool possible = state.n && state.n <= 1024 && shared <= DYNAMIC && grid.x && grid.y && grid.z && grid.y <= 65535 &&
                  grid.z <= 65535;
  if (!possible) return "invalid launch configuration";
  alignas(64) static char parameters[PARAMETERS];
  size_t end = 0, largest = 1, at[sizeof...(A) + 1], *next = at;
  ((end = (end + alignof(A) - 1) / alignof(A) * alignof(A), *next++ = end, end += sizeof(A),
    largest = alignof(A) > largest ? alignof(A) : largest),
   ...);
  end = (end + largest - 1) / largest * largest;
  if (end != bytes) {
    snprintf(state.message, sizeof state.message, "the kernel takes %zu bytes of parameters, got %zu", end, bytes);
    return state.message;
  }
  memcpy(parameters, packed, bytes);
  state.warp.resize((state.n + 31) / 32);
  state.order_of_start.resize(state.n);
  state.seed = order;
  for (unsigned i = 0; i < state.n; ++i) state.order_of_start[i] = order == 1 ? state.n - 1 - i : i;
  if (order > 1) {  // lanes change places within their warp
    for (unsigned i = 0; i < state.n; ++i) {
      unsigned left = 32 - i % 32 < state.n - i ? 32 - i % 32 : state.n - i;
      std::swap(state.order_of_start[i], state.order_of_start[i + random_below(left)]);
    }
  }
  auto body = [&]<size_t... I>(std::index_sequence<I...>) {
    kernel(*reinterpret_cast<std::remove_cvref_t<A>*>(parameters + at[I])...);
  };
  auto call = [&] { body(std::index_sequence_for<A...>{}); };
  state.arg = &call;
  state.call = [](void* p) { (*static_cast<decltype(call)*>(p))(); };
  for (block_index.z = 0; block_index.z < grid.z; ++block_index.z)
    for (block_index.y = 0; block_index.y < grid.y; ++block_index.y)
      for (block_index.x = 0; block_index.x < grid.x; ++block_index.x)
        if (!run_block(shared)) return state.error;
  return nullptr;
}
}  // namespace cuda_host

// ------------------------------------------------------------------ the CUDA C++ built-ins
#define threadIdx cuda_host::thread_index
#define blockIdx cuda_host::block_index
#define blockDim cuda_host::block_size
#define gridDim cuda_host::grid_size
constexpr int warpSize = 32;
inline void __syncthreads() { cuda_host::barrier(); }
inline void __syncwarp(unsigned m = ~0u) {
  cuda_host::collective(m, [](auto&, unsigned) {});
}
inline void __threadfence() {}
inline void __threadfence_block() {}
[[noreturn]] inline void __trap() { cuda_host::fail("__trap()"); }
#define CUDA_HOST_LANE int l = cuda_host::state.current->linear % 32, lo = l & -w, hi = lo + w - 1
template <class T>
inline T __shfl_sync(unsigned m, T v, int s, int w = 32) {
  CUDA_HOST_LANE;
  (void)hi;
  return cuda_host::shuffle(m, v, lo | (s & (w - 1)));
}
template <class T>
inline T __shfl_down_sync(unsigned m, T v, unsigned d, int w = 32) {
  CUDA_HOST_LANE;
  return cuda_host::shuffle(m, v, l + (int)d > hi ? l : l + (int)d);
}
template <class T>
inline T __shfl_up_sync(unsigned m, T v, unsigned d, int w = 32) {
  CUDA_HOST_LANE;
  (void)hi;
  return cuda_host::shuffle(m, v, l - (int)d < lo ? l : l - (int)d);
}
template <class T>
inline T __shfl_xor_sync(unsigned m, T v, int x, int w = 32) {
  CUDA_HOST_LANE;
  (void)lo;
  return cuda_host::shuffle(m, v, (l ^ x) > hi ? l : l ^ x);
}
inline unsigned __ballot_sync(unsigned m, int p) {
  return cuda_host::vote(m, p, [](unsigned b, unsigned) { return b; });
}
inline int __any_sync(unsigned m, int p) {
  return cuda_host::vote(m, p, [](unsigned b, unsigned) { return b != 0; });
}
inline int __all_sync(unsigned m, int p) {
  return cuda_host::vote(m, p, [](unsigned b, unsigned m) { return b == m; });
}

// atomics: one OS thread, and a fiber never yields inside them
template <class T, class F>
inline T cuda_host_modify(T* p, F f) {
  T o = *p;
  *p = f(o);
  return o;
}
template <class T>
inline T atomicAdd(T* p, std::type_identity_t<T> v) {
  return cuda_host_modify(p, [=](T o) { return T(o + v); });
}
template <class T>
inline T atomicSub(T* p, std::type_identity_t<T> v) {
  return cuda_host_modify(p, [=](T o) { return T(o - v); });
}
template <class T>
inline T atomicMax(T* p, std::type_identity_t<T> v) {
  return cuda_host_modify(p, [=](T o) { return o < v ? v : o; });
}
template <class T>
inline T atomicMin(T* p, std::type_identity_t<T> v) {
  return cuda_host_modify(p, [=](T o) { return v < o ? v : o; });
}
template <class T>
inline T atomicAnd(T* p, std::type_identity_t<T> v) {
  return cuda_host_modify(p, [=](T o) { return T(o & v); });
}
template <class T>
inline T atomicOr(T* p, std::type_identity_t<T> v) {
  return cuda_host_modify(p, [=](T o) { return T(o | v); });
}
template <class T>
inline T atomicXor(T* p, std::type_identity_t<T> v) {
  return cuda_host_modify(p, [=](T o) { return T(o ^ v); });
}
template <class T>
inline T atomicExch(T* p, std::type_identity_t<T> v) {
  return cuda_host_modify(p, [=](T) { return v; });
}
template <class T>
inline T atomicCAS(T* p, std::type_identity_t<T> c, std::type_identity_t<T> v) {
  return cuda_host_modify(p, [=](T o) { return o == c ? v : o; });
}

// integer and float intrinsics
inline int __clz(int x) { return std::countl_zero((unsigned)x); }
inline int __clzll(long long x) { return std::countl_zero((unsigned long long)x); }
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __ffs(int x) { return x ? std::countr_zero((unsigned)x) + 1 : 0; }
inline unsigned __umulhi(unsigned a, unsigned b) { return (uint64_t)a * b >> 32; }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return (unsigned __int128)a * b >> 64;
}
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
template <class T>
inline T __ldg(const T* p) {
  return *p;
}
inline float __expf(float x) { return std::exp(x); }
inline float __exp10f(float x) { return std::pow(10.f, x); }
inline float __logf(float x) { return std::log(x); }
inline float __log2f(float x) { return std::log2(x); }
inline float __sinf(float x) { return std::sin(x); }
inline float __cosf(float x) { return std::cos(x); }
inline void __sincosf(float x, float* s, float* c) {
  *s = std::sin(x);
  *c = std::cos(x);
}
inline float __powf(float x, float y) { return std::pow(x, y); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1 / x; }
inline float __fsqrt_rn(float x) { return std::sqrt(x); }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1.f) : 0.f; }
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }
inline void sincospif(float x, float* s, float* c) {
  double t = std::fmod((double)x, 2) * M_PI;
  *s = std::sin(t);
  *c = std::cos(t);
}
template <class T>
inline T max(T a, T b) {
  return a < b ? b : a;
}
template <class T>
inline T min(T a, T b) {
  return b < a ? b : a;
}
#define CUDA_HOST 1
