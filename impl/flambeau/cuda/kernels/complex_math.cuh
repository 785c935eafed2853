// Functions of complex numbers with the branch cuts and infinities of C's annex G where a formula alone would give NaN.
#pragma once
#include "real_math.cuh"

namespace flambeau {

template <class T> FLAMBEAU_DEVICE T abs(complex<T> z) { return hypot(z.real, z.imag); }
template <class T> FLAMBEAU_DEVICE T angle(complex<T> z) { return atan2(z.imag, z.real); }
template <class T> FLAMBEAU_DEVICE T real(complex<T> z) { return z.real; }
template <class T> FLAMBEAU_DEVICE T imag(complex<T> z) { return z.imag; }
template <class T> FLAMBEAU_DEVICE complex<T> conj(complex<T> z) { return {z.real, -z.imag}; }
template <class T> FLAMBEAU_DEVICE bool isnan(complex<T> z) { return isnan(z.real) || isnan(z.imag); }
template <class T> FLAMBEAU_DEVICE bool isinf(complex<T> z) { return isinf(z.real) || isinf(z.imag); }
template <class T> FLAMBEAU_DEVICE bool isfinite(complex<T> z) { return isfinite(z.real) && isfinite(z.imag); }
template <class T> FLAMBEAU_DEVICE bool isreal(complex<T> z) { return z.imag == 0; }
template <class T> FLAMBEAU_DEVICE complex<T> nan_to_num(complex<T> z, complex<T> nan, complex<T> high, complex<T> low) {
  return {nan_to_num(z.real, nan.real, high.real, low.real), nan_to_num(z.imag, nan.real, high.real, low.real)};
}
template <class T>
FLAMBEAU_DEVICE bool isclose(complex<T> x, complex<T> y, double relative, double absolute, double equal_nan) {
  if (x == y || (equal_nan != 0 && isnan(x) && isnan(y))) return true;
  if (relative == 0 && absolute == 0) return false;
  T allowed = T(absolute) + abs(complex<T>(T(relative) * y.real, T(relative) * y.imag)), actual = abs(x - y);
  return isfinite(actual) && actual <= allowed;
}
template <class T> FLAMBEAU_DEVICE complex<T> reciprocal(complex<T> z) { return complex<T>(1) / z; }
template <class T> FLAMBEAU_DEVICE complex<T> square(complex<T> z) { return z * z; }

template <class T> FLAMBEAU_DEVICE complex<T> sgn(complex<T> z) {
  T length = abs(z);
  return length == 0 ? complex<T>(0) : complex<T>(z.real / length, z.imag / length);
}

template <class T> FLAMBEAU_DEVICE complex<T> exp(complex<T> z) {
  if (z.imag == 0) return {exp(z.real), z.imag};
  if (isinf(z.real) && !isfinite(z.imag)) {
    if (z.real < 0) return {T(0), T(0)};
    return {z.real, quiet_nan<T>()};
  }
  T scale = exp(z.real);
  return {scale * cos(z.imag), scale * sin(z.imag)};
}

template <class T> FLAMBEAU_DEVICE complex<T> log(complex<T> z) {
  T length = abs(z), re;
  if (length > T(0.5) && length < T(2)) {  // log of a length near 1 would cancel
    T a = abs(z.real), b = abs(z.imag), large = maximum(a, b), small = minimum(a, b);
    re = T(0.5) * log1p((large - 1) * (large + 1) + small * small);
  } else re = log(length);
  return {re, angle(z)};
}
template <class T> FLAMBEAU_DEVICE complex<T> log2(complex<T> z) {
  complex<T> w = log(z);
  return {w.real * T(1.4426950408889634), w.imag * T(1.4426950408889634)};
}
template <class T> FLAMBEAU_DEVICE complex<T> log10(complex<T> z) {
  complex<T> w = log(z);
  return {w.real * T(0.43429448190325183), w.imag * T(0.43429448190325183)};
}
template <class T> FLAMBEAU_DEVICE complex<T> log1p(complex<T> z) {
  T re = T(0.5) * log1p(z.real * (2 + z.real) + z.imag * z.imag);
  return {re, atan2(z.imag, 1 + z.real)};
}
template <class T> FLAMBEAU_DEVICE complex<T> exp2(complex<T> z) { return exp(z * complex<T>(0.6931471805599453)); }
template <class T> FLAMBEAU_DEVICE complex<T> expm1(complex<T> z) {
  // e^a cos b - 1 = expm1(a) cos b - 2 sin^2(b/2), which does not cancel for small z
  T half_sine = sin(z.imag / 2), e = expm1(z.real);
  return {e * cos(z.imag) - 2 * half_sine * half_sine, (e + 1) * sin(z.imag)};
}

template <class T> FLAMBEAU_DEVICE complex<T> sqrt(complex<T> z) {
  T a = abs(z.real), b = abs(z.imag);
  if (a == 0 && b == 0) return {T(0), z.imag};
  if (isinf(b)) return {b, z.imag};
  if (isinf(a)) {
    T other = isnan(b) ? b : T(0);
    return z.real > 0 ? complex<T>(a, copysign(other, z.imag)) : complex<T>(other, copysign(a, z.imag));
  }
  T scale = maximum(a, b) > largest<T>() / 4 ? T(0.25) : T(1);  // a + |z| must not overflow
  T length = hypot(a * scale, b * scale), m = sqrt((a * scale + length) / 2) / sqrt(scale);
  if (z.real >= 0) return {m, z.imag / (2 * m)};
  return {b / (2 * m), copysign(m, z.imag)};
}
template <class T> FLAMBEAU_DEVICE complex<T> rsqrt(complex<T> z) { return complex<T>(1) / sqrt(z); }

template <class T> FLAMBEAU_DEVICE complex<T> sinh(complex<T> z) {
  if (z.imag == 0) return {sinh(z.real), z.imag};
  return {sinh(z.real) * cos(z.imag), cosh(z.real) * sin(z.imag)};
}
template <class T> FLAMBEAU_DEVICE complex<T> cosh(complex<T> z) {
  return {cosh(z.real) * cos(z.imag), sinh(z.real) * sin(z.imag)};
}
// Kahan, "Branch cuts for complex elementary functions" (1987): tanh without overflow for a large real part.
template <class T> FLAMBEAU_DEVICE complex<T> tanh(complex<T> z) {
  if (abs(z.real) > T(same<T, float> ? 11 : 22)) {
    T tail = 4 * sin(z.imag) * cos(z.imag) * exp(-2 * abs(z.real));
    return {copysign(T(1), z.real), isinf(z.real) ? copysign(T(0), z.imag) : tail};
  }
  T t = tan(z.imag), s = sinh(z.real), beta = 1 + t * t, rho = sqrt(1 + s * s);
  if (isinf(t)) return {rho / s, 1 / t};
  T scale = 1 + beta * s * s;
  return {beta * rho * s / scale, t / scale};
}
template <class T> FLAMBEAU_DEVICE complex<T> times_i(complex<T> z) { return {-z.imag, z.real}; }
template <class T> FLAMBEAU_DEVICE complex<T> over_i(complex<T> z) { return {z.imag, -z.real}; }
template <class T> FLAMBEAU_DEVICE complex<T> sin(complex<T> z) { return over_i(sinh(times_i(z))); }
template <class T> FLAMBEAU_DEVICE complex<T> cos(complex<T> z) { return cosh(times_i(z)); }
template <class T> FLAMBEAU_DEVICE complex<T> tan(complex<T> z) { return over_i(tanh(times_i(z))); }

// The inverse functions by Kahan's formulas, whose square roots carry the sign of zero to the right side of each cut.
template <class T> FLAMBEAU_DEVICE complex<T> asin(complex<T> z) {
  complex<T> p = sqrt(complex<T>(1 - z.real, -z.imag)), q = sqrt(complex<T>(1 + z.real, z.imag));
  return {atan2(z.real, p.real * q.real - p.imag * q.imag), asinh(p.real * q.imag - p.imag * q.real)};
}
template <class T> FLAMBEAU_DEVICE complex<T> acos(complex<T> z) {
  complex<T> p = sqrt(complex<T>(1 - z.real, -z.imag)), q = sqrt(complex<T>(1 + z.real, z.imag));
  return {2 * atan2(p.real, q.real), asinh(q.real * p.imag - q.imag * p.real)};
}
template <class T> FLAMBEAU_DEVICE complex<T> acosh(complex<T> z) {
  complex<T> p = sqrt(complex<T>(z.real - 1, z.imag)), q = sqrt(complex<T>(z.real + 1, z.imag));
  return {asinh(p.real * q.real + p.imag * q.imag), 2 * atan2(p.imag, q.real)};
}
template <class T> FLAMBEAU_DEVICE complex<T> atanh(complex<T> z) {
  T re = abs(z.real), im2 = z.imag * z.imag;  // odd in the real part, and log1p cancels for a negative argument
  T real_part = T(0.25) * log1p(4 * re / ((1 - re) * (1 - re) + im2));
  return {copysign(real_part, z.real), T(0.5) * atan2(2 * z.imag, (1 - re) * (1 + re) - im2)};
}
template <class T> FLAMBEAU_DEVICE complex<T> asinh(complex<T> z) { return over_i(asin(times_i(z))); }
template <class T> FLAMBEAU_DEVICE complex<T> atan(complex<T> z) { return over_i(atanh(times_i(z))); }

// exp(y log x), as PyTorch computes it. The error, relative to |x^y|, is at most 2 (1 + |y| + |y log x|) roundings
// (of 2^-23, 2^-52) where hypot, log, atan2, exp, sin and cos are off by one unit at most, as glibc's are: what such a
// change of x and y does. CUDA's are off by three at most by NVIDIA's tables: 6 times that sum; not measured on a GPU.
template <class T> FLAMBEAU_DEVICE complex<T> pow(complex<T> x, complex<T> y) {
  if (y.real == 0 && y.imag == 0) return {T(1), T(0)};
  if (x.real == 0 && x.imag == 0) {
    if (y.real > 0) return {T(0), T(0)};
    return {quiet_nan<T>(), quiet_nan<T>()};
  }
  return exp(y * log(x));
}

template <class T> FLAMBEAU_DEVICE complex<T> sinc(complex<T> z) {
  complex<T> t = z * complex<T>(T(3.141592653589793));
  return z.real == 0 && z.imag == 0 ? complex<T>(T(1)) : sin(t) / t;
}
// Of the two, the one with the larger real part is taken out of the sum, so that its exponential cannot overflow.
template <class T> FLAMBEAU_DEVICE complex<T> logaddexp(complex<T> x, complex<T> y) {
  bool swap = x.real < y.real;
  complex<T> high = swap ? y : x, low = swap ? x : y;
  if (isinf(high.real) && high.real == low.real) return high.real > 0 ? log(exp(low) + exp(high)) : high;
  return high + log1p(exp(low - high));
}

template <class T> FLAMBEAU_DEVICE complex<T> sigmoid(complex<T> z) { return complex<T>(1) / (complex<T>(1) + exp(-z)); }

}  // namespace flambeau
