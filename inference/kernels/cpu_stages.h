// The stages of a layer between its products. Each thread computes its share of a stage; whoever
// calls one waits for all threads behind it. A row's numbers depend neither on the other rows nor on
// the number of threads.
#pragma once
#include <algorithm>
#include <vector>

#include "cpu_numbers.h"

struct Team {
    int thread, threads;

    // The share of this thread in `count` things.
    long begin(long count) const { return count * thread / threads; }
    long end(long count) const { return count * (thread + 1) / threads; }
};

struct Norm {
    const float *weight, *bias;  // no bias: RMSNorm
    float eps;
};

struct Attention {
    long kv_heads, group, head_dim, page_size, window;  // no window: 0
    float scale, cap;                                   // no cap: 0
    const void *cos, *sin;                              // no rotation: null
    const float* head_weight;                           // no norm of heads: null
    float head_eps;
    void* cache;  // of this layer: [pages, page_size, kv_heads, 2, head_dim]
};

struct Step {
    long rows, tiles, table_width, longest;
    const int64_t *positions, *slots;
    const int32_t *block_tables, *table_of, *tile_list;
    float* partials;  // of splits, see `attend`; null: it does not split
};

// Normalise a row, where(i) being its numbers; hand each sixteen of the result to `take`.
template <class Where, class Take>
static void normalise(long count, const Norm& norm, Where where, Take take) {
    Floats squares = {}, sums = {};
    float mean = 0;
    if (norm.bias) {
        for (long i = 0; i < count; i += LANES) sums += where(i);
        mean = sum(sums) / count;
    }
    for (long i = 0; i < count; i += LANES) {
        Floats x = where(i);
        // Lanes behind the end are zero, and stay so.
        if (norm.bias)
            for (int lane = 0; lane < LANES; lane++) x[lane] = i + lane < count ? x[lane] - mean : 0;
        squares += x * x;
    }
    float scale = 1.0f / std::sqrt(sum(squares) / count + norm.eps);
    for (long i = 0; i < count; i += LANES) {
        Floats x = (where(i) - mean) * scale * load(norm.weight + i, count - i);
        if (norm.bias) x += load(norm.bias + i, count - i);
        take(i, x);
    }
}

// hidden: [rows, count] fp32; added: the same in T, or null; post: null or its norm.
template <class T>
static void add_norm(Team team, long rows, long count, float* hidden, const T* added,
                     const Norm* post, const Norm& norm, T* out) {
    for (long row = team.begin(rows); row < team.end(rows); row++) {
        float* h = hidden + row * count;
        const T* a = added + row * count;
        auto add = [&](long i, Floats x) {
            store(h + i, load(h + i, count - i) + x, count - i);
        };
        auto given = [&](long i) { return load(a + i, count - i); };
        if (added && post)
            normalise(count, *post, given, add);
        else if (added)
            for (long i = 0; i < count; i += LANES) add(i, given(i));
        normalise(
            count, norm, [&](long i) { return load(h + i, count - i); },
            [&](long i, Floats x) { store(out + row * count + i, x, count - i); });
    }
}

// Turn one head: x * cos + roll(x, half) * sin.
template <class T>
static void rotate(T* head, const T* cos, const T* sin, long dim) {
    long half = dim / 2;
    for (long i = 0; i < half; i += LANES) {
        long n = half - i;
        Floats a = load(head + i, n), b = load(head + half + i, n);
        store(head + i, a * load(cos + i, n) + b * load(sin + i, n), n);
        store(head + half + i, b * load(cos + half + i, n) + a * load(sin + half + i, n), n);
    }
}

// qkv: [rows, kv_heads, group + 2, head_dim].
template <class T>
static void store_rows(Team team, T* qkv, const Attention& layer, const Step& step) {
    long dim = layer.head_dim, heads = layer.group + 2;
    for (long task = team.begin(step.rows * layer.kv_heads);
         task < team.end(step.rows * layer.kv_heads); task++) {
        long row = task / layer.kv_heads, kv = task % layer.kv_heads;
        T* first = qkv + task * heads * dim;
        for (long h = 0; h <= layer.group; h++) {
            T* head = first + h * dim;
            Norm norm{layer.head_weight + h * dim, nullptr, layer.head_eps};
            if (layer.head_weight)
                normalise(
                    dim, norm, [&](long i) { return load(head + i, dim - i); },
                    [&](long i, Floats x) { store(head + i, x, dim - i); });
            long at = step.positions[row] * dim;
            if (layer.cos) rotate(head, (const T*)layer.cos + at, (const T*)layer.sin + at, dim);
        }
        T* slot = (T*)layer.cache + (step.slots[row] * layer.kv_heads + kv) * 2 * dim;
        memcpy(slot, first + (heads - 2) * dim, 2 * dim * sizeof(T));
    }
}

enum Activation { SILU, GELU, GELU_TANH };

static inline Floats activated(Floats x, int activation) {
    if (activation == SILU) return x / (1.0f + exp(-x));
    if (activation == GELU_TANH)
        return 0.5f * x * (1.0f + tanh(0.7978845608f * (x + 0.044715f * x * x * x)));
    for (int lane = 0; lane < LANES; lane++)
        x[lane] = 0.5f * x[lane] * (1.0f + std::erf(x[lane] * 0.7071067812f));
    return x;
}

// rows: [rows, count], or [rows, 2 * count] if gated. out: [rows, count].
template <class T>
static void activate(Team team, long rows, long count, const T* in, int activation, bool gated,
                     T* out) {
    // Shares of whole vectors: a few rows occupy all threads.
    long vectors = (count + LANES - 1) / LANES;
    for (long task = team.begin(rows * vectors); task < team.end(rows * vectors); task++) {
        long row = task / vectors, i = task % vectors * LANES, n = count - i;
        const T* from = in + row * count * (gated ? 2 : 1) + i;
        Floats x = activated(load(from, n), activation);
        if (gated) x *= load(from + count, n);
        store(out + row * count + i, x, n);
    }
}
