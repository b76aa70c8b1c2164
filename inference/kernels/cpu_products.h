// Products of bf16 rows with weights of 4 or 8 bits, where the CPU multiplies bytes (AVX512-VNNI).
//
// Rows become whole numbers of 16 bits, of the largest of the row: finer than bf16. Each is two
// bytes, high and low, which are multiplied with bytes of weights and added up without rounding.
// Sixteen rows of weights stand side by side in the lanes of a vector, each lane with four weights
// that follow one another, as `vpdpbusd` takes them. So each number of the result is rounded in one
// order, however many rows there are.
#pragma once
#include "cpu_stages.h"
#if defined(__AVX512VNNI__) && defined(__AVX512BW__)
#define PRODUCTS 1
#include <immintrin.h>

struct Product {
    const uint8_t* packed;
    const float* scales;  // of each row of 8 bits; null: 4 bits in groups of 32
    const bf16* bias;     // or null
    long in, out;
};

constexpr long GROUP = 32;
// 512 weights in 256 bytes, then sixteen scales and sixteen minima in fp16.
constexpr long GROUP_BYTES = 320;
// Of two bytes with a sign: 127 * 256 + 127.
constexpr float LARGEST = 32639;

// Rows in whole numbers, and room for them: `bytes` gives its size.
struct Whole {
    int8_t *high, *low;  // [rows, in]
    float* scales;       // [rows]
    float* sums;         // [rows, in / 32], of groups; whole numbers
    long in;

    static long bytes(long rows, long in) { return 2 * rows * in + 4 * rows * (1 + in / GROUP) + 64; }

    Whole(char* room, long rows, long in)
        : high((int8_t*)room), low(high + rows * in), scales((float*)(low + rows * in)),
          sums(scales + rows), in(in) {}

    // Take a row in. Lanes are sixteen bits wide here: 32 numbers at a time.
    void take(long row, const bf16* from) const {
        Floats most = {};
        for (long i = 0; i < in; i += LANES) {
            Floats x = load(from + i);
            most = maximum(most, maximum(x, -x));
        }
        float top = largest(most), factor = top > 0 ? LARGEST / top : 0;
        scales[row] = top / LARGEST;
        for (long i = 0; i < in; i += GROUP) {
            __m512i a = _mm512_cvtps_epi32((__m512)(load(from + i) * factor));
            __m512i b = _mm512_cvtps_epi32((__m512)(load(from + i + LANES) * factor));
            sums[(row * in + i) / GROUP] = _mm512_reduce_add_epi32(_mm512_add_epi32(a, b));
            split(a, row * in + i);
            split(b, row * in + i + LANES);
        }
    }

    void split(__m512i x, long at) const {
        __m512i upper = _mm512_srai_epi32(_mm512_add_epi32(x, _mm512_set1_epi32(128)), 8);
        _mm_storeu_si128((__m128i*)(high + at), _mm512_cvtepi32_epi8(upper));
        _mm_storeu_si128((__m128i*)(low + at), _mm512_cvtepi32_epi8(x));
    }
};

static inline __m512i dot(__m512i acc, __m512i weights, const int8_t* four) {
    int word;
    memcpy(&word, four, 4);
    return _mm512_dpbusd_epi32(acc, weights, _mm512_set1_epi32(word));
}

static inline void write(Floats x, const bf16* bias, bf16* out) {
    if (bias) {
        // As torch does it: the product is rounded before the bias is added.
        bf16 rounded[LANES];
        store(rounded, x);
        x = load(rounded) + load(bias);
    }
    store(out, x);
}

// N rows times sixteen rows of weights.
template <int N>
static void four_bits(const Product& p, long block, const Whole& w, long row, bf16* out) {
    long groups = p.in / GROUP;
    const __m512i mask = _mm512_set1_epi8(15);
    const uint8_t* at = p.packed + block * groups * GROUP_BYTES;
    const int8_t *high = w.high + row * p.in, *low = w.low + row * p.in;
    const float* sums = w.sums + row * groups;
    __m512 acc[N];
    for (auto& a : acc) a = _mm512_setzero_ps();
    for (long g = 0; g < groups; g++, at += GROUP_BYTES, high += GROUP, low += GROUP) {
        __m512i upper[N], lower[N];
        for (int n = 0; n < N; n++) upper[n] = lower[n] = _mm512_setzero_si512();
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) {
            __m512i both = _mm512_loadu_si512(at + v * 64);
            __m512i first = _mm512_and_si512(both, mask);
            __m512i second = _mm512_and_si512(_mm512_srli_epi16(both, 4), mask);
#pragma GCC unroll 8
            for (int n = 0; n < N; n++) {
                long k = n * p.in + v * 8;
                upper[n] = dot(dot(upper[n], first, high + k), second, high + k + 4);
                lower[n] = dot(dot(lower[n], first, low + k), second, low + k + 4);
            }
        }
        __m512 scale = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)(at + 256)));
        __m512 least = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)(at + 288)));
#pragma GCC unroll 8
        for (int n = 0; n < N; n++) {
            // Less than 2^24: exact in fp32.
            __m512 part = _mm512_cvtepi32_ps(
                _mm512_add_epi32(_mm512_slli_epi32(upper[n], 8), lower[n]));
            acc[n] = _mm512_fmadd_ps(part, scale, acc[n]);
            acc[n] = _mm512_fmadd_ps(least, _mm512_set1_ps(sums[n * groups + g]), acc[n]);
        }
    }
    const bf16* bias = p.bias ? p.bias + block * LANES : nullptr;
    for (int n = 0; n < N; n++)
        write((Floats)acc[n] * w.scales[row + n], bias, out + n * p.out + block * LANES);
}

// The weights are held as 128 more than they are, without a sign.
template <int N, int BLOCKS>
static void eight_bits(const Product& p, long block, const Whole& w, long row, bf16* out) {
    const int8_t *high = w.high + row * p.in, *low = w.low + row * p.in;
    __m512i upper[N][BLOCKS], lower[N][BLOCKS];
    for (int n = 0; n < N; n++)
        for (int b = 0; b < BLOCKS; b++) upper[n][b] = lower[n][b] = _mm512_setzero_si512();
    for (long k = 0; k < p.in; k += 4) {
#pragma GCC unroll 4
        for (int b = 0; b < BLOCKS; b++) {
            __m512i weights = _mm512_loadu_si512(p.packed + ((block + b) * p.in + k) * LANES);
#pragma GCC unroll 8
            for (int n = 0; n < N; n++) {
                upper[n][b] = dot(upper[n][b], weights, high + n * p.in + k);
                lower[n][b] = dot(lower[n][b], weights, low + n * p.in + k);
            }
        }
    }
    for (int n = 0; n < N; n++) {
        float sum = 0;
        for (long g = 0; g < p.in / GROUP; g++) sum += w.sums[(row + n) * (p.in / GROUP) + g];
        for (int b = 0; b < BLOCKS; b++) {
            long column = (block + b) * LANES;
            Floats x = (Floats)_mm512_cvtepi32_ps(upper[n][b]) * 256.0f +
                       (Floats)_mm512_cvtepi32_ps(lower[n][b]) - 128.0f * sum;
            write(x * w.scales[row + n] * load(p.scales + column),
                  p.bias ? p.bias + column : nullptr, out + n * p.out + column);
        }
    }
}

// Blocks [from, to) of N rows. A few rows take more blocks at once, which wait less for each other.
template <int N>
static void some_rows(const Product& p, long from, long to, const Whole& w, long row, bf16* out) {
    constexpr int BLOCKS = N < 4 ? 4 / N : 1;
    if (p.scales)
        for (; from + BLOCKS <= to; from += BLOCKS) eight_bits<N, BLOCKS>(p, from, w, row, out);
    for (; from < to; from++)
        p.scales ? eight_bits<N, 1>(p, from, w, row, out) : four_bits<N>(p, from, w, row, out);
}

// in: [rows, p.in]; out: [rows, p.out]; room: for `Whole`.
static void product(Team team, const Product& p, long rows, const bf16* in, bf16* out, char* room) {
    Whole whole(room, rows, p.in);
    for (long row = team.begin(rows); row < team.end(rows); row++) whole.take(row, in + row * p.in);
#pragma omp barrier
    long blocks = p.out / LANES, last = team.end(blocks);
    // A few blocks, whose weights stay in the cache while all rows go by.
    constexpr long AT_ONCE = 4;
    for (long from = team.begin(blocks); from < last; from += AT_ONCE) {
        long to = std::min(from + AT_ONCE, last), row = 0;
        for (; row + 8 <= rows; row += 8) some_rows<8>(p, from, to, whole, row, out + row * p.out);
        if (rows - row >= 4) some_rows<4>(p, from, to, whole, row, out + row * p.out), row += 4;
        if (rows - row >= 2) some_rows<2>(p, from, to, whole, row, out + row * p.out), row += 2;
        if (rows - row >= 1) some_rows<1>(p, from, to, whole, row, out + row * p.out);
    }
}

// Room that grows, for one thread that calls.
static inline char* room_of(long bytes) {
    static thread_local std::vector<char> room;
    if ((long)room.size() < bytes) room.resize(bytes);
    return room.data();
}
#else
#define PRODUCTS 0
#endif
