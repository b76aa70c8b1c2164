// Sixteen numbers at a time, in GCC's and Clang's vectors: they become AVX-512, AVX2 or NEON.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

typedef float Floats __attribute__((vector_size(64)));
typedef uint32_t Words __attribute__((vector_size(64)));
typedef int32_t Ints __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(32)));
constexpr int LANES = 16;

// A bf16 number: the upper half of an fp32 number.
struct bf16 {
    uint16_t bits;
};

static inline Floats all(float x) { return Floats{} + x; }
static inline Floats as_floats(Words x) { return (Floats)x; }

static inline Floats widen(Halves x) {
    return as_floats(__builtin_convertvector(x, Words) << 16);
}

// To the nearest, ties to even.
static inline Halves narrow(Floats x) {
    Words bits = (Words)x;
    return __builtin_convertvector((bits + 0x7fff + ((bits >> 16) & 1)) >> 16, Halves);
}

static inline Floats load(const float* at) {
    Floats x;
    memcpy(&x, at, sizeof x);
    return x;
}

static inline Floats load(const bf16* at) {
    Halves x;
    memcpy(&x, at, sizeof x);
    return widen(x);
}

static inline void store(float* at, Floats x) { memcpy(at, &x, sizeof x); }

static inline void store(bf16* at, Floats x) {
    Halves half = narrow(x);
    memcpy(at, &half, sizeof half);
}

// The first `count` of sixteen; the others are zero.
template <class T>
static inline Floats load(const T* at, long count) {
    if (count >= LANES) return load(at);
    T some[LANES] = {};
    memcpy(some, at, count * sizeof(T));
    return load(some);
}

template <class T>
static inline void store(T* at, Floats x, long count) {
    if (count >= LANES) return store(at, x);
    T some[LANES];
    store(some, x);
    memcpy(at, some, count * sizeof(T));
}

static inline float sum(Floats x) {
    float lanes[LANES];
    store(lanes, x);
    for (int width = LANES / 2; width; width /= 2)
        for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];
    return lanes[0];
}

static inline float largest(Floats x) {
    float lanes[LANES];
    store(lanes, x);
    for (int width = LANES / 2; width; width /= 2)
        for (int i = 0; i < width; i++)
            lanes[i] = lanes[i] > lanes[i + width] ? lanes[i] : lanes[i + width];
    return lanes[0];
}

static inline Floats maximum(Floats a, Floats b) { return a > b ? a : b; }
static inline Floats minimum(Floats a, Floats b) { return a < b ? a : b; }

// e^x = 2^n e^r with r within ln(2) / 2, e^r by its series: wrong by less than 2 units in the last
// place. Below -87 it is 0, also for minus infinity.
static inline Floats exp(Floats x) {
    Floats inside = minimum(maximum(x, all(-87.0f)), all(88.0f));
    // To the nearest whole number: fp32 numbers of this size have no fraction.
    Floats shifted = inside * 1.44269504f + 12582912.0f;
    Floats n = shifted - 12582912.0f;
    Floats r = inside - n * 0.693359375f - n * -2.12194440e-4f;
    Floats e = all(1.0f / 5040);
    for (float factor : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f})
        e = e * r + factor;
    Ints power = ((Ints)shifted - 0x4b400000 + 127) << 23;
    return x < -87.0f ? all(0) : e * (Floats)power;
}

static inline Floats tanh(Floats x) { return 1.0f - 2.0f / (exp(2.0f * x) + 1.0f); }
