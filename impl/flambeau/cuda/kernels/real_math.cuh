// Functions of real and integer numbers, with PyTorch's rules where C's differ.
#pragma once
#include "types.cuh"

namespace flambeau {

// ---------------------------------------------------------------- the C library under one name a function
#define FLAMBEAU_UNARY(name)                                        \
  FLAMBEAU_DEVICE float name(float x) { return ::name##f(x); }      \
  FLAMBEAU_DEVICE double name(double x) { return ::name(x); }
#define FLAMBEAU_BINARY(name)                                                       \
  FLAMBEAU_DEVICE float name(float x, float y) { return ::name##f(x, y); }          \
  FLAMBEAU_DEVICE double name(double x, double y) { return ::name(x, y); }
FLAMBEAU_UNARY(exp) FLAMBEAU_UNARY(exp2) FLAMBEAU_UNARY(expm1)
FLAMBEAU_UNARY(log) FLAMBEAU_UNARY(log2) FLAMBEAU_UNARY(log10) FLAMBEAU_UNARY(log1p)
FLAMBEAU_UNARY(sqrt) FLAMBEAU_UNARY(rsqrt) FLAMBEAU_UNARY(cbrt)
FLAMBEAU_UNARY(sin) FLAMBEAU_UNARY(cos) FLAMBEAU_UNARY(tan)
FLAMBEAU_UNARY(asin) FLAMBEAU_UNARY(acos) FLAMBEAU_UNARY(atan)
FLAMBEAU_UNARY(sinh) FLAMBEAU_UNARY(cosh) FLAMBEAU_UNARY(tanh)
FLAMBEAU_UNARY(asinh) FLAMBEAU_UNARY(acosh) FLAMBEAU_UNARY(atanh)
FLAMBEAU_UNARY(erf) FLAMBEAU_UNARY(erfc) FLAMBEAU_UNARY(lgamma)
FLAMBEAU_UNARY(floor) FLAMBEAU_UNARY(ceil) FLAMBEAU_UNARY(trunc)
FLAMBEAU_BINARY(atan2) FLAMBEAU_BINARY(hypot) FLAMBEAU_BINARY(copysign) FLAMBEAU_BINARY(nextafter)
FLAMBEAU_BINARY(fmod)
#undef FLAMBEAU_UNARY
#undef FLAMBEAU_BINARY

FLAMBEAU_DEVICE float abs(float x) { return ::fabsf(x); }
FLAMBEAU_DEVICE double abs(double x) { return ::fabs(x); }
FLAMBEAU_DEVICE float round(float x) { return ::rintf(x); }  // half to even
FLAMBEAU_DEVICE double round(double x) { return ::rint(x); }
template <Real T> FLAMBEAU_DEVICE T round(T x, T decimals) {
  T scale = decimals < 0 ? T(::pow(10.0, double(-decimals))) : T(::pow(10.0, double(decimals)));
  return decimals < 0 ? round(x / scale) * scale : round(x * scale) / scale;
}

// Rounding leaves integers as they are.
template <Integral T> FLAMBEAU_DEVICE T floor(T x) { return x; }
template <Integral T> FLAMBEAU_DEVICE T ceil(T x) { return x; }
template <Integral T> FLAMBEAU_DEVICE T trunc(T x) { return x; }
template <Integral T> FLAMBEAU_DEVICE T round(T x) { return x; }
template <Integral T> FLAMBEAU_DEVICE T frac(T) { return T(0); }
template <Real T> FLAMBEAU_DEVICE T frac(T x) { return x - trunc(x); }

// ---------------------------------------------------------------- predicates
template <Real T> FLAMBEAU_DEVICE bool isnan(T x) { return x != x; }
template <Real T> FLAMBEAU_DEVICE bool isinf(T x) { return abs(x) == infinity<T>(); }
template <Real T> FLAMBEAU_DEVICE bool isfinite(T x) { return abs(x) < infinity<T>(); }
template <Real T> FLAMBEAU_DEVICE bool signbit(T x) { return copysign(T(1), x) < 0; }
template <Integral T> FLAMBEAU_DEVICE bool isnan(T) { return false; }
template <Integral T> FLAMBEAU_DEVICE bool isinf(T) { return false; }
template <Integral T> FLAMBEAU_DEVICE bool isfinite(T) { return true; }
template <Integral T> FLAMBEAU_DEVICE bool signbit(T x) {
  if constexpr (Signed<T>) return x < 0;
  else return false;
}

template <Arithmetic T> FLAMBEAU_DEVICE bool isposinf(T x) { return isinf(x) && x > T(0); }
template <Arithmetic T> FLAMBEAU_DEVICE bool isneginf(T x) { return isinf(x) && x < T(0); }
template <Arithmetic T> FLAMBEAU_DEVICE bool isreal(T) { return true; }

template <class T> FLAMBEAU_DEVICE bool logical_not(T x) { return !bool(x); }
template <class T> FLAMBEAU_DEVICE bool logical_and(T x, T y) { return bool(x) && bool(y); }
template <class T> FLAMBEAU_DEVICE bool logical_or(T x, T y) { return bool(x) || bool(y); }
template <class T> FLAMBEAU_DEVICE bool logical_xor(T x, T y) { return bool(x) != bool(y); }

// ---------------------------------------------------------------- signs and bounds
template <Integral T> FLAMBEAU_DEVICE T abs(T x) {
  if constexpr (Signed<T>) return x < 0 ? T(-x) : x;
  else return x;
}
template <Arithmetic T> FLAMBEAU_DEVICE T sign(T x) { return T((T(0) < x) - (x < T(0))); }  // of NaN: 0
template <Arithmetic T> FLAMBEAU_DEVICE T maximum(T x, T y) { return isnan(x) || x > y ? x : y; }  // NaN wins
template <Arithmetic T> FLAMBEAU_DEVICE T minimum(T x, T y) { return isnan(x) || x < y ? x : y; }
template <Arithmetic T> FLAMBEAU_DEVICE T fmax(T x, T y) { return isnan(y) || x > y ? x : y; }  // NaN loses
template <Arithmetic T> FLAMBEAU_DEVICE T fmin(T x, T y) { return isnan(y) || x < y ? x : y; }
template <Arithmetic T> FLAMBEAU_DEVICE T clamp(T x, T low, T high) { return minimum(maximum(x, low), high); }
template <Arithmetic T> FLAMBEAU_DEVICE T nan_to_num(T x, T nan, T positive, T negative) {
  if (isnan(x)) return nan;
  return isinf(x) ? (x > T(0) ? positive : negative) : x;
}
// The next half or bfloat16: magnitudes of one sign are ordered as their bits are.
template <class T> requires one_of<T, half, bfloat16> FLAMBEAU_DEVICE T nextafter(T x, T towards) {
  float from = cast<float>(x), to = cast<float>(towards);
  if (from != from) return x;
  if (to != to || from == to) return towards;
  unsigned short bits;
  if constexpr (same<T, half>) bits = __half_as_ushort(x);
  else bits = __bfloat16_as_ushort(x);
  if (from == 0) bits = to < 0 ? 0x8001 : 0x0001;
  else bits += (from < to) == (from > 0) ? 1 : -1;
  if constexpr (same<T, half>) return __ushort_as_half(bits);
  else return __ushort_as_bfloat16(bits);
}

// Whether |x - y| <= absolute + relative |y|; infinities are close to themselves alone. Integers differ as floats, but
// equal ones are found as integers.
template <Arithmetic T> FLAMBEAU_DEVICE bool isclose(T x, T y, double relative, double absolute, double equal_nan) {
  if (x == y || (equal_nan != 0 && isnan(x) && isnan(y))) return true;
  if (relative == 0 && absolute == 0) return false;
  using F = either<Real<T>, T, float>;
  F allowed = F(absolute) + abs(F(relative) * F(y)), actual = abs(F(x) - F(y));
  return isfinite(actual) && actual <= allowed;
}
// Of halves every step is rounded.
template <class T> requires one_of<T, half, bfloat16>
FLAMBEAU_DEVICE bool isclose(T x, T y, double relative, double absolute, double equal_nan) {
  float from = cast<float>(x), to = cast<float>(y);
  if (from == to || (equal_nan != 0 && from != from && to != to)) return true;
  if (relative == 0 && absolute == 0) return false;
  float near = cast<float>(cast<T>(abs(float(relative) * to)));
  float allowed = cast<float>(cast<T>(cast<float>(cast<T>(float(absolute))) + near));
  float actual = cast<float>(cast<T>(abs(from - to)));
  return isfinite(actual) && actual <= allowed;
}
template <Arithmetic T> FLAMBEAU_DEVICE T heaviside(T x, T at_zero) { return x == T(0) ? at_zero : T(x > T(0)); }

// ---------------------------------------------------------------- division, with Python's rounding and signs
// Integer division by zero has no answer on a GPU and must not stop the host: the quotient is -1 (all bits), as
// hardware has it, and the remainder the dividend.
template <Integral T> FLAMBEAU_DEVICE T trunc_divide(T x, T y) {
  if (y == T(0)) return T(-1);
  if constexpr (Signed<T>) { if (y == T(-1)) return T(-(u64)x); }  // the smallest number's quotient wraps
  return T(x / y);
}
template <Integral T> FLAMBEAU_DEVICE T fmod(T x, T y) {
  if (y == T(0)) return x;
  if constexpr (Signed<T>) { if (y == T(-1)) return T(0); }
  return T(x % y);
}
template <Integral T> FLAMBEAU_DEVICE T remainder(T x, T y) {
  T r = fmod(x, y);
  if constexpr (Signed<T>) return r != 0 && y != 0 && (r < 0) != (y < 0) ? T(r + y) : r;
  else return r;
}
template <Integral T> FLAMBEAU_DEVICE T floor_divide(T x, T y) {
  T q = trunc_divide(x, y);
  if constexpr (Signed<T>) return y != 0 && (x < 0) != (y < 0) && fmod(x, y) != 0 ? T(q - 1) : q;
  else return q;
}
template <Real T> FLAMBEAU_DEVICE T trunc_divide(T x, T y) { return trunc(x / y); }
template <Real T> FLAMBEAU_DEVICE T remainder(T x, T y) {
  T r = fmod(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}
template <Real T> FLAMBEAU_DEVICE T floor_divide(T x, T y) {
  if (y == 0) return x / y;
  T r = fmod(x, y), q = (x - r) / y;
  if (r != 0 && (r < 0) != (y < 0)) q -= 1;
  if (q == 0) return copysign(T(0), x / y);
  T whole = floor(q);  // (x - r) / y is whole but for rounding
  return q - whole > T(0.5) ? whole + 1 : whole;
}
template <Integral T> FLAMBEAU_DEVICE T gcd(T x, T y) {
  x = abs(x), y = abs(y);
  while (y != T(0)) { T r = fmod(x, y); x = y; y = r; }
  return x;
}
template <Integral T> FLAMBEAU_DEVICE T lcm(T x, T y) {
  T g = gcd(x, y);
  return g == T(0) ? g : abs(T(trunc_divide(x, g) * y));
}

// ---------------------------------------------------------------- bits
template <Integral T> FLAMBEAU_DEVICE T bitwise_not(T x) {
  if constexpr (same<T, bool>) return !x;
  else return T(~x);
}
template <Integral T> FLAMBEAU_DEVICE T left_shift(T x, T y) {
  constexpr int bits = 8 * sizeof(T);
  return (u64)y >= bits ? T(0) : T((u64)x << y);
}
template <Integral T> FLAMBEAU_DEVICE T right_shift(T x, T y) {  // too far: every bit becomes the sign
  constexpr int bits = 8 * sizeof(T);
  if ((u64)y >= bits) return Signed<T> && x < T(0) ? T(-1) : T(0);
  return T(x >> y);
}

// ---------------------------------------------------------------- powers
FLAMBEAU_DEVICE float pow(float x, float y) { return ::powf(x, y); }
FLAMBEAU_DEVICE double pow(double x, double y) { return ::pow(x, y); }
template <Integral T> FLAMBEAU_DEVICE T pow(T x, T y) {
  if constexpr (Signed<T>) {
    if (y < 0) return x == 1 ? T(1) : x == -1 ? (y & 1 ? T(-1) : T(1)) : T(0);
  }
  u64 result = 1, base = (u64)x;  // unsigned: wraps
  for (u64 n = (u64)y; n; n >>= 1, base *= base) if (n & 1) result *= base;
  return T(result);
}
template <Arithmetic T> FLAMBEAU_DEVICE T square(T x) { return T(x * x); }
template <Real T> FLAMBEAU_DEVICE T reciprocal(T x) { return 1 / x; }
template <class T> FLAMBEAU_DEVICE T lerp(T x, T y, T weight) {  // from the nearer end, as PyTorch does
  if constexpr (Real<T>) return abs(weight) < T(0.5) ? x + weight * (y - x) : y - (y - x) * (T(1) - weight);
  else return x + weight * (y - x);
}
template <Arithmetic T> FLAMBEAU_DEVICE T conj(T x) { return x; }
template <Arithmetic T> FLAMBEAU_DEVICE T real(T x) { return x; }
template <Real T> FLAMBEAU_DEVICE T angle(T x) { return isnan(x) ? x : x < 0 ? T(3.141592653589793) : T(0); }
template <Arithmetic T> FLAMBEAU_DEVICE T sgn(T x) { return sign(x); }

// ---------------------------------------------------------------- exponentials and logarithms
template <Real T> FLAMBEAU_DEVICE T sigmoid(T x) { return 1 / (1 + exp(-x)); }
template <Real T> FLAMBEAU_DEVICE T logit(T x) { return log(x / (1 - x)); }
template <Real T> FLAMBEAU_DEVICE T log_sigmoid(T x) { return fmin(x, T(0)) - log1p(exp(-abs(x))); }
template <Real T> FLAMBEAU_DEVICE T softplus(T x, T beta, T threshold) {
  return x * beta > threshold ? x : log1p(exp(x * beta)) / beta;
}
template <Real T> FLAMBEAU_DEVICE T logaddexp(T x, T y) {
  if (isinf(x) && x == y) return x;
  return maximum(x, y) + log1p(exp(-abs(x - y)));
}
template <Real T> FLAMBEAU_DEVICE T logaddexp2(T x, T y) {
  if (isinf(x) && x == y) return x;
  return maximum(x, y) + log1p(exp2(-abs(x - y))) * T(1.4426950408889634);
}
template <Real T> FLAMBEAU_DEVICE T xlogy(T x, T y) { return isnan(y) ? y : x == 0 ? T(0) : x * log(y); }
template <Real T> FLAMBEAU_DEVICE T xlog1py(T x, T y) { return isnan(y) ? y : x == 0 ? T(0) : x * log1p(y); }
template <Real T> FLAMBEAU_DEVICE T entropy(T x) {
  return isnan(x) ? x : x > 0 ? -x * log(x) : x == 0 ? T(0) : -infinity<T>();
}
template <Real T> FLAMBEAU_DEVICE T sinc(T x) {
  T t = T(3.141592653589793) * x;
  return x == 0 ? T(1) : sin(t) / t;
}

// ---------------------------------------------------------------- special functions
// Giles, "Approximating the erfinv function" (GPU Computing Gems, 2011), single precision, then Newton steps
// against the complement, whose tail keeps its relative accuracy.
template <Real T> FLAMBEAU_DEVICE T erfinv(T x) {
  if (!(abs(x) < 1)) return abs(x) == 1 ? copysign(infinity<T>(), x) : quiet_nan<T>();
  double w = -::log((1.0 - x) * (1.0 + x)), p;
  if (w < 5) {
    w -= 2.5;
    p = 2.81022636e-08;
    p = 3.43273939e-07 + p * w;
    p = -3.5233877e-06 + p * w;
    p = -4.39150654e-06 + p * w;
    p = 0.00021858087 + p * w;
    p = -0.00125372503 + p * w;
    p = -0.00417768164 + p * w;
    p = 0.246640727 + p * w;
    p = 1.50140941 + p * w;
  } else {
    w = ::sqrt(w) - 3;
    p = -0.000200214257;
    p = 0.000100950558 + p * w;
    p = 0.00134934322 + p * w;
    p = -0.00367342844 + p * w;
    p = 0.00573950773 + p * w;
    p = -0.0076224613 + p * w;
    p = 0.00943887047 + p * w;
    p = 1.00167406 + p * w;
    p = 2.83297682 + p * w;
  }
  double y = p * x;
  if constexpr (same<T, double>) {
    for (int step = 0; step < 2; ++step) {
      double size = ::fabs(y), target = ::fabs(x);
      double error = target > 0.5 ? (1.0 - target) - ::erfc(size) : ::erf(size) - target;
      double slope = 1.1283791670955126 * ::exp(-size * size), delta = error / slope;
      y = ::copysign(size - delta / (1 + size * delta), y);  // Halley: the second derivative is -2 y times the first
    }
  }
  return T(y);
}

// Recurrence up to 10, then the asymptotic series in Bernoulli numbers; reflection for negative arguments.
template <Real T> FLAMBEAU_DEVICE T digamma(T x) {
  if (x == 0) return copysign(infinity<T>(), -x);
  double z = x, result = 0;
  if (z < 0) {
    if (z == ::trunc(z)) return quiet_nan<T>();
    double part = z - ::trunc(z);
    result = -3.141592653589793 / ::tan(3.141592653589793 * part);
    z = 1 - z;
  }
  for (; z < 10; z += 1) result -= 1 / z;
  double s = 1 / (z * z);
  double series = s * (1. / 12 - s * (1. / 120 - s * (1. / 252 - s * (1. / 240 - s * (1. / 132 -
                  s * (691. / 32760 - s * (1. / 12)))))));
  return T(result + ::log(z) - 0.5 / z - series);
}

FLAMBEAU_DEVICE double whole_power(double x, int exponent) {
  double result = 1;
  for (; exponent; exponent >>= 1, x *= x) if (exponent & 1) result *= x;
  return result;
}
// Sum of (q + k)^-s over k >= 0 for q > 0: term by term up to 9 + s, then the formula of Euler and Maclaurin.
FLAMBEAU_DEVICE double hurwitz_zeta(int s, double q) {
  double sum = 0;
#pragma unroll 1
  for (; q < 9 + s; q += 1) sum += 1 / whole_power(q, s);
  double tail = 1 / whole_power(q, s), term = tail * s / q, square = 1 / (q * q);
  sum += tail * (q / (s - 1) + 0.5);
  constexpr double ratios[] = {1. / 12, -1. / 720, 1. / 30240, -1. / 1209600, 1. / 47900160,
                               -691. / 1307674368000, 1. / 74724249600, -3617. / 10670622842880000};
#pragma unroll
  for (int k = 0; k < 8; ++k) {  // Bernoulli numbers over factorials
    sum += ratios[k] * term;
    term *= (s + 2. * k + 1) * (s + 2. * k + 2) * square;
  }
  return sum;
}
// n-th derivative of digamma, (-1)^s n! zeta(s, x) with s = n + 1. Below zero the terms before the pole are told as the
// difference of two sums, since they may be very many.
template <Real T> FLAMBEAU_DEVICE T polygamma(T x, T order) {
  double z = x, sum = 0, factor = int(order) & 1 ? 1 : -1;
  int n = int(order), s = n + 1;
  if (z - z != 0) return z > 0 ? T(factor * 0.) : quiet_nan<T>();  // not finite
  if (z <= 0 && z == ::trunc(z)) return T(factor) * infinity<T>();
  int parts = z > 0 ? 1 : 3;
#pragma unroll 1
  for (int part = 0; part < parts; ++part) {
    double q = z > 0 ? z : part == 0 ? z - ::floor(z) : part == 1 ? ::ceil(z) - z : 1 - z;
    sum += (part == 0 ? 1 : part == 1 ? factor : -factor) * hurwitz_zeta(s, q);
  }
  for (int k = 2; k <= n; ++k) factor *= k;
  return T(factor * sum);
}

}  // namespace flambeau
