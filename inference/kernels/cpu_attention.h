// Attention over the paged cache, read in place (Kwon et al. 2023; Dao et al. 2022).
//
// Keys are read in blocks with borders at fixed positions of the text, whatever else the step
// computes, and blocks in splits: each split is summed by itself, and splits are added in order.
// So it makes no difference which thread computes which of them.
#pragma once
#include "cpu_stages.h"
#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

constexpr long BLOCK = 64, SPLIT = 256;
constexpr int VECTORS = BLOCK / LANES;

// acc += dot of what is in a 32-bit word of k and of q: one fp32 number, or two bf16 numbers.
static inline Floats dot_words(Floats acc, Words k, uint32_t q, float) {
    float number;
    memcpy(&number, &q, 4);
    return acc + (Floats)k * number;
}

static inline Floats dot_words(Floats acc, Words k, uint32_t q, bf16) {
#if defined(__AVX512BF16__)
    return (Floats)_mm512_dpbf16_ps((__m512)acc, (__m512bh)(__m512i)k, (__m512bh)_mm512_set1_epi32(q));
#else
    uint32_t low = q << 16, high = q & 0xffff0000u;
    float first, second;
    memcpy(&first, &low, 4);
    memcpy(&second, &high, 4);
    return acc + (Floats)(k << 16) * first + (Floats)(k & 0xffff0000u) * second;
#endif
}

// Turn sixteen rows of sixteen words into columns.
static inline void transpose(const uint32_t* const from[LANES], long words, uint32_t* to, long step) {
    Words x[LANES], y[LANES];
    for (int i = 0; i < LANES; i++) {
        x[i] = Words{};
        if (from[i]) memcpy(&x[i], from[i], std::min<long>(words, LANES) * 4);
    }
    // Four times each row is interleaved with the one eight further.
    const Words low = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23};
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < LANES / 2; i++) {
            y[2 * i] = __builtin_shuffle(x[i], x[i + 8], low);
            y[2 * i + 1] = __builtin_shuffle(x[i], x[i + 8], low + 8);
        }
        memcpy(x, y, sizeof x);
    }
    for (long i = 0; i < std::min<long>(words, LANES); i++) memcpy(to + i * step, &x[i], 64);
}

// What one thread needs for a tile.
struct Scratch {
    std::vector<uint32_t> keys;   // [words of a head, BLOCK]
    std::vector<float> values;    // [BLOCK, padded head_dim]
    std::vector<float> scores;    // [queries, BLOCK]
    std::vector<float> out, sums; // [queries, padded head_dim + 2]: of a split, and of all
};

struct Tile {
    long first, count, table;
};

template <class T>
struct Attend {
    const T* qkv;
    const Attention& layer;
    const Step& step;
    T* out;
    // Numbers of a head, filled up; 32-bit words of a head; a sum with its maximum and total.
    long dim = layer.head_dim, padded = (dim + LANES - 1) / LANES * LANES;
    long words = dim * (long)sizeof(T) / 4, width = padded + 2;

    Tile tile(long index) const {
        const int32_t* at = step.tile_list + 2 * index;
        return {at[0], at[1], step.table_of[at[0]]};
    }

    // The positions that a row sees.
    long seen_end(long row) const { return step.positions[row] + 1; }
    long seen_begin(long row) const {
        return layer.window ? std::max(0L, seen_end(row) - layer.window) : 0;
    }

    const T* cached(const Tile& tile, long position, long kv) const {
        long page = step.block_tables[tile.table * step.table_width + position / layer.page_size];
        long slot = page * layer.page_size + position % layer.page_size;
        return (const T*)layer.cache + (slot * layer.kv_heads + kv) * 2 * dim;
    }

    const T* query(const Tile& tile, long q, long kv) const {
        long row = tile.first + q / layer.group, head = q % layer.group;
        return qkv + ((row * layer.kv_heads + kv) * (layer.group + 2) + head) * dim;
    }

    void read_block(const Tile& tile, long kv, long start, long end, Scratch& s) const {
        const T* at[BLOCK];
        for (long t = 0; t < BLOCK; t++) {
            bool held = start + t < end;
            at[t] = held ? cached(tile, start + t, kv) : nullptr;
            float* value = s.values.data() + t * padded;
            for (long i = 0; i < padded; i += LANES)
                store(value + i, held ? load(at[t] + dim + i, dim - i) : Floats{});
        }
        for (long t = 0; t < BLOCK; t += LANES)
            for (long w = 0; w < words; w += LANES) {
                const uint32_t* rows[LANES];
                for (int i = 0; i < LANES; i++)
                    rows[i] = at[t + i] ? (const uint32_t*)at[t + i] + w : nullptr;
                transpose(rows, words - w, s.keys.data() + w * BLOCK + t, BLOCK);
            }
    }

    template <int N>
    void score(const Tile& tile, long kv, long q, Scratch& s) const {
        Floats acc[N][VECTORS];
#pragma GCC unroll 4
        for (int n = 0; n < N; n++)
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) acc[n][v] = Floats{};
        const T* queries[N];
        const uint32_t* keys = s.keys.data();
        float* scores = s.scores.data() + q * BLOCK;
        for (int n = 0; n < N; n++) queries[n] = query(tile, q + n, kv);
        for (long w = 0; w < words; w++) {
            Words k[VECTORS];
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) memcpy(&k[v], keys + w * BLOCK + v * LANES, 64);
#pragma GCC unroll 4
            for (int n = 0; n < N; n++) {
                uint32_t word;
                memcpy(&word, (const char*)queries[n] + 4 * w, 4);
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; v++) acc[n][v] = dot_words(acc[n][v], k[v], word, T{});
            }
        }
#pragma GCC unroll 4
        for (int n = 0; n < N; n++)
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) store(scores + n * BLOCK + v * LANES, acc[n][v]);
    }

    // Make weights of the scores of a query; scale down what there is of its split.
    // Says whether it sees anything in the block.
    bool soften(const Tile& tile, long q, long start, Scratch& s) const {
        long row = tile.first + q / layer.group;
        long first = seen_begin(row) - start, last = seen_end(row) - start;
        float* scores = s.scores.data() + q * BLOCK;
        if (first >= BLOCK || last <= 0) {
            memset(scores, 0, BLOCK * 4);
            return false;
        }
        float* out = s.out.data() + q * width;
        float &top = out[padded], &total = out[padded + 1];
        Floats x[VECTORS], most = all(-INFINITY), weights = {};
        const Ints lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
        for (int v = 0; v < VECTORS; v++) {
            x[v] = load(scores + v * LANES) * layer.scale;
            if (layer.cap) x[v] = layer.cap * tanh(x[v] / layer.cap);
            Ints place = lanes + v * LANES;
            x[v] = (place >= (int)std::max(first, -1L)) & (place < (int)std::min(last, BLOCK))
                       ? x[v] : all(-INFINITY);
            most = maximum(most, x[v]);
        }
        float new_top = std::max(top, largest(most));
        for (int v = 0; v < VECTORS; v++) {
            x[v] = exp(x[v] - new_top);
            weights += x[v];
            store(scores + v * LANES, x[v]);
        }
        if (new_top > top) {
            float shrink = exp(all(top - new_top))[0];
            for (long i = 0; i < padded; i += LANES) store(out + i, load(out + i) * shrink);
            total *= shrink;
            top = new_top;
        }
        total += sum(weights);
        return true;
    }

    template <int N, int V>
    void add_values(long q, long at, Scratch& s) const {
        Floats acc[N][V];
        float* out = s.out.data() + q * width + at;
        const float *values = s.values.data() + at, *weights = s.scores.data() + q * BLOCK;
#pragma GCC unroll 4
        for (int n = 0; n < N; n++)
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) acc[n][v] = load(out + n * width + v * LANES);
        for (long t = 0; t < BLOCK; t++) {
            Floats value[V];
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) value[v] = load(values + t * padded + v * LANES);
#pragma GCC unroll 4
            for (int n = 0; n < N; n++) {
                float weight = weights[n * BLOCK + t];
#pragma GCC unroll 4
                for (int v = 0; v < V; v++) acc[n][v] += value[v] * weight;
            }
        }
#pragma GCC unroll 4
        for (int n = 0; n < N; n++)
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) store(out + n * width + v * LANES, acc[n][v]);
    }

    template <int N>
    void queries(const Tile& tile, long kv, long q, long start, Scratch& s) const {
        bool any = false;
        score<N>(tile, kv, q, s);
        for (int n = 0; n < N; n++) any |= soften(tile, q + n, start, s);
        if (!any) return;
        long at = 0;
        for (; at + 4 * LANES <= padded; at += 4 * LANES) add_values<N, 4>(q, at, s);
        for (; at < padded; at += LANES) add_values<N, 1>(q, at, s);
    }

    // Leave the sums of one split in s.out.
    void split(const Tile& tile, long kv, long number, Scratch& s) const {
        long n = tile.count * layer.group;
        long begin = std::max(number * SPLIT, seen_begin(tile.first) / BLOCK * BLOCK);
        long end = std::min((number + 1) * SPLIT, seen_end(tile.first + tile.count - 1));
        for (long q = 0; q < n; q++) {
            memset(s.out.data() + q * width, 0, width * 4);
            s.out[q * width + padded] = -INFINITY;
        }
        for (long start = begin; start < end; start += BLOCK) {
            read_block(tile, kv, start, end, s);
            long q = 0;
            for (; q + 4 <= n; q += 4) queries<4>(tile, kv, q, start, s);
            if (n - q == 3) queries<3>(tile, kv, q, start, s);
            if (n - q == 2) queries<2>(tile, kv, q, start, s);
            if (n - q == 1) queries<1>(tile, kv, q, start, s);
        }
    }

    // Add a split to what there is of the splits before it.
    void merge(float* sums, const float* part) const {
        float a = sums[padded], b = part[padded];
        if (b == -INFINITY) return;
        float top = std::max(a, b);
        float old = exp(all(a - top))[0], now = exp(all(b - top))[0];
        for (long i = 0; i < padded; i += LANES)
            store(sums + i, load(sums + i) * old + load(part + i) * now);
        sums[padded] = top;
        sums[padded + 1] = sums[padded + 1] * old + part[padded + 1] * now;
    }

    void write(const Tile& tile, long kv, const float* sums) const {
        for (long q = 0; q < tile.count * layer.group; q++) {
            long row = tile.first + q / layer.group, head = q % layer.group;
            const float* from = sums + q * width;
            T* to = out + ((row * layer.kv_heads + kv) * layer.group + head) * dim;
            float factor = 1.0f / from[padded + 1];
            for (long i = 0; i < padded; i += LANES)
                store(to + i, load(from + i) * factor, dim - i);
        }
    }

    void prepare(Scratch& s, long queries) const {
        s.keys.resize((words + LANES) * BLOCK);
        s.values.resize(BLOCK * padded);
        s.scores.resize(queries * BLOCK);
        s.out.resize(queries * width);
        s.sums.resize(queries * width);
    }

    void clear(float* sums, long queries) const {
        memset(sums, 0, queries * width * 4);
        for (long q = 0; q < queries; q++) sums[q * width + padded] = -INFINITY;
    }

    // Compute whole tiles.
    void tiles(Team team, Scratch& s) const {
        long tasks = step.tiles * layer.kv_heads;
        // Later tiles of a text see more: threads take them in turns.
        for (long task = team.thread; task < tasks; task += team.threads) {
            Tile one = tile(task / layer.kv_heads);
            long kv = task % layer.kv_heads, n = one.count * layer.group;
            prepare(s, n);
            clear(s.sums.data(), n);
            long last = (seen_end(one.first + one.count - 1) - 1) / SPLIT;
            for (long number = seen_begin(one.first) / SPLIT; number <= last; number++) {
                split(one, kv, number, s);
                for (long q = 0; q < n; q++)
                    merge(s.sums.data() + q * width, s.out.data() + q * width);
            }
            write(one, kv, s.sums.data());
        }
    }

    // Few tiles of long texts: threads share the splits, and one of them adds those of a tile.
    long splits() const { return (step.longest + SPLIT - 1) / SPLIT; }
    long queries_of_split() const { return most_rows() * layer.group; }

    long most_rows() const {
        long most = 0;
        for (long i = 0; i < step.tiles; i++) most = std::max(most, tile(i).count);
        return most;
    }

    void shared(Team team, Scratch& s) const {
        long tasks = step.tiles * layer.kv_heads, size = queries_of_split() * width;
        auto partial = [&](long task, long number) {
            return step.partials + (task * splits() + number) * size;
        };
        for (long i = team.thread; i < tasks * splits(); i += team.threads) {
            long task = i / splits(), number = i % splits();
            Tile one = tile(task / layer.kv_heads);
            prepare(s, one.count * layer.group);
            split(one, task % layer.kv_heads, number, s);
            memcpy(partial(task, number), s.out.data(), one.count * layer.group * width * 4);
        }
#pragma omp barrier
        for (long task = team.begin(tasks); task < team.end(tasks); task++) {
            Tile one = tile(task / layer.kv_heads);
            long n = one.count * layer.group;
            prepare(s, n);
            clear(s.sums.data(), n);
            for (long number = 0; number < splits(); number++)
                for (long q = 0; q < n; q++)
                    merge(s.sums.data() + q * width, partial(task, number) + q * width);
            write(one, task % layer.kv_heads, s.sums.data());
        }
    }

    // The numbers of `Step::partials`, or 0 where there are tiles enough for all threads.
    long partials(int threads) const {
        long tasks = step.tiles * layer.kv_heads;
        if (threads == 1 || splits() == 1 || tasks >= 4 * threads) return 0;
        return tasks * splits() * queries_of_split() * width;
    }
};

static thread_local Scratch scratch;

template <class T>
static void attend(Team team, const T* qkv, const Attention& layer, const Step& step, T* out) {
    Attend<T> it{qkv, layer, step, out};
    if (step.partials)
        it.shared(team, scratch);
    else
        it.tiles(team, scratch);
}
