// complex<T>: NVRTC has no std::complex. Included by types.cuh; functions of complex numbers stand in complex_math.cuh.
#pragma once

namespace flambeau {

template <class T> struct alignas(2 * sizeof(T)) complex {
  T real, imag;

  complex() = default;
  FLAMBEAU_DEVICE complex(T re, T im = T(0)) : real(re), imag(im) {}
  template <Arithmetic A> requires(!same<A, T>) FLAMBEAU_DEVICE complex(A re) : real(T(re)), imag(T(0)) {}
  explicit FLAMBEAU_DEVICE operator bool() const { return real != T(0) || imag != T(0); }

  FLAMBEAU_DEVICE complex operator-() const { return {-real, -imag}; }
  FLAMBEAU_DEVICE complex operator+() const { return *this; }
  friend FLAMBEAU_DEVICE complex operator+(complex a, complex b) { return {a.real + b.real, a.imag + b.imag}; }
  friend FLAMBEAU_DEVICE complex operator-(complex a, complex b) { return {a.real - b.real, a.imag - b.imag}; }
  friend FLAMBEAU_DEVICE complex operator*(complex a, complex b) {
    return {a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real};
  }
  // Smith's division: scaling by the larger part of the divisor keeps its square from over- and underflow.
  friend FLAMBEAU_DEVICE complex operator/(complex a, complex b) {
    T re = b.real < T(0) ? -b.real : b.real, im = b.imag < T(0) ? -b.imag : b.imag;
    if (re >= im) {
      if (re == T(0) && im == T(0)) return {a.real / re, a.imag / re};
      T ratio = b.imag / b.real, scale = b.real + b.imag * ratio;
      return {(a.real + a.imag * ratio) / scale, (a.imag - a.real * ratio) / scale};
    }
    T ratio = b.real / b.imag, scale = b.real * ratio + b.imag;
    return {(a.real * ratio + a.imag) / scale, (a.imag * ratio - a.real) / scale};
  }
  FLAMBEAU_DEVICE complex& operator+=(complex b) { return *this = *this + b; }
  FLAMBEAU_DEVICE complex& operator*=(complex b) { return *this = *this * b; }
  friend FLAMBEAU_DEVICE bool operator==(complex a, complex b) { return a.real == b.real && a.imag == b.imag; }
  friend FLAMBEAU_DEVICE bool operator!=(complex a, complex b) { return !(a == b); }
};

// Storage only: two halves, loaded as complex<float>.
template <> struct alignas(4) complex<half> {
  half real, imag;
};

template <class T> constexpr bool is_complex = false;
template <class T> constexpr bool is_complex<complex<T>> = true;
template <class T> concept Complex = is_complex<T>;

}  // namespace flambeau
