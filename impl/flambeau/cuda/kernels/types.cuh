// Storage types, compute types and the conversions between them. For NVRTC, which has no standard headers, and g++.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#define FLAMBEAU_DEVICE __device__ __forceinline__

namespace flambeau {

using i8 = signed char;
using u8 = unsigned char;
using i16 = short;
using u16 = unsigned short;
using i32 = int;
using u32 = unsigned int;
using i64 = long long;
using u64 = unsigned long long;
using half = __half;
using bfloat16 = __nv_bfloat16;

template <class A, class B> constexpr bool same = false;
template <class A> constexpr bool same<A, A> = true;
template <class T, class... A> constexpr bool one_of = (same<T, A> || ...);

template <bool first, class A, class B> struct either_of { using type = A; };
template <class A, class B> struct either_of<false, A, B> { using type = B; };
template <bool first, class A, class B> using either = typename either_of<first, A, B>::type;

template <class T> concept Real = one_of<T, float, double>;
template <class T> concept Integral = one_of<T, bool, i8, u8, i16, u16, i32, u32, i64, u64>;
template <class T> concept Signed = one_of<T, i8, i16, i32, i64>;
template <class T> concept Arithmetic = Real<T> || Integral<T>;

template <int... I> struct indices {};
template <int N, int... I> struct make_indices : make_indices<N - 1, N - 1, I...> {};
template <int... I> struct make_indices<0, I...> { using type = indices<I...>; };
template <int N> using indices_below = typename make_indices<N>::type;

// NVRTC knows neither INFINITY nor NAN.
template <Real T> FLAMBEAU_DEVICE T infinity() {
  if constexpr (same<T, float>) return __int_as_float(0x7f800000);
  else return __longlong_as_double(0x7ff0000000000000ll);
}
template <Real T> FLAMBEAU_DEVICE T quiet_nan() {
  if constexpr (same<T, float>) return __int_as_float(0x7fc00000);
  else return __longlong_as_double(0x7ff8000000000000ll);
}
template <Arithmetic T> FLAMBEAU_DEVICE T largest() {
  if constexpr (same<T, float>) return __int_as_float(0x7f7fffff);
  else if constexpr (same<T, double>) return __longlong_as_double(0x7fefffffffffffffll);
  else if constexpr (same<T, bool>) return true;
  else if constexpr (Signed<T>) return T(~u64(0) >> (65 - 8 * sizeof(T)));
  else return T(~T(0));
}
template <Arithmetic T> FLAMBEAU_DEVICE T smallest() {  // the most negative finite value
  if constexpr (Real<T>) return -largest<T>();
  else if constexpr (Signed<T>) return T(-largest<T>() - 1);
  else return T(0);
}

}  // namespace flambeau

#include "complex.cuh"

namespace flambeau {

// Half precision is stored, never computed in.
template <class T> struct compute { using type = T; };
template <> struct compute<half> { using type = float; };
template <> struct compute<bfloat16> { using type = float; };
template <> struct compute<complex<half>> { using type = complex<float>; };
template <class T> using compute_t = typename compute<T>::type;

// Values narrow by C's rules, doubles to half by way of float as in PyTorch; a complex value loses its imaginary part on the way to a real type.
template <class To> struct Cast {
  template <class From> static FLAMBEAU_DEVICE To from(From x) {
    if constexpr (is_complex<From>) {
      if constexpr (same<To, bool>) return x.real != 0 || x.imag != 0;
      else if constexpr (same<From, complex<half>>) return To(__half2float(x.real));
      else return To(x.real);
    } else return To(x);
  }
  static FLAMBEAU_DEVICE To from(half x) { return To(__half2float(x)); }
  static FLAMBEAU_DEVICE To from(bfloat16 x) { return To(__bfloat162float(x)); }
};
template <> struct Cast<half> {
  template <class From> static FLAMBEAU_DEVICE half from(From x) {
    if constexpr (same<From, half>) return x;
    else return __float2half_rn(Cast<float>::from(x));
  }
};
template <> struct Cast<bfloat16> {
  template <class From> static FLAMBEAU_DEVICE bfloat16 from(From x) {
    if constexpr (same<From, bfloat16>) return x;
    else return __float2bfloat16_rn(Cast<float>::from(x));
  }
};
template <class R> struct Cast<complex<R>> {
  template <class From> static FLAMBEAU_DEVICE complex<R> from(From x) {
    if constexpr (is_complex<From>) return {Cast<R>::from(x.real), Cast<R>::from(x.imag)};
    else return {Cast<R>::from(x), Cast<R>::from(0.f)};
  }
};
template <class To, class From> FLAMBEAU_DEVICE To cast(From x) { return Cast<To>::from(x); }

template <class T, int V> struct alignas(sizeof(T) * V) Vector { T lane[V]; };

}  // namespace flambeau
