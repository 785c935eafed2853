// Every function an operation's CUDA body may call, for real, integer and complex compute types.
#pragma once
#include "types.cuh"
#include "real_math.cuh"
#include "complex_math.cuh"
