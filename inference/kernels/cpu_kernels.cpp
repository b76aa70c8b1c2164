// The functions of a layer on a CPU, for `cpp_kernels.py`: plain C to the outside. Each computes with
// as many threads as OpenMP has for the caller, which is what torch.set_num_threads has set.
#include <omp.h>

#include "cpu_attention.h"
#include "cpu_products.h"

enum Dtype { FP32, BF16 };

// Call function(T{}) with the number format.
template <class Function>
static void with_dtype(int dtype, Function function) {
    dtype == BF16 ? function(bf16{}) : function(float{});
}

// Run a stage with all threads, or with one where it is too small to wake the others for.
template <class Stage>
static void run(long numbers, Stage stage) {
    if (numbers < 1 << 14) return stage(Team{0, 1});
#pragma omp parallel
    stage(Team{omp_get_thread_num(), omp_get_num_threads()});
}

// Return room for the partial sums of attention, if threads are to share splits.
template <class T>
static float* room_for_partials(const Attention& layer, const Step& step) {
    static thread_local std::vector<float> room;
    long size = Attend<T>{nullptr, layer, step, nullptr}.partials(omp_get_max_threads());
    room.resize(std::max<long>(size, room.size()));
    return size ? room.data() : nullptr;
}

extern "C" {

void add_norm_rows(int dtype, long rows, long count, float* hidden, const void* added,
                   const Norm* post, const Norm* norm, void* out) {
    with_dtype(dtype, [&](auto t) {
        using T = decltype(t);
        run(rows * count, [&](Team team) {
            add_norm(team, rows, count, hidden, (const T*)added, post, *norm, (T*)out);
        });
    });
}

void store_keys(int dtype, void* qkv, const Attention* layer, const Step* step) {
    with_dtype(dtype, [&](auto t) {
        using T = decltype(t);
        long numbers = step->rows * layer->kv_heads * (layer->group + 2) * layer->head_dim;
        run(numbers, [&](Team team) { store_rows(team, (T*)qkv, *layer, *step); });
    });
}

void attend_rows(int dtype, const void* qkv, const Attention* layer, const Step* given, void* out) {
    with_dtype(dtype, [&](auto t) {
        using T = decltype(t);
        Step step = *given;
        step.partials = room_for_partials<T>(*layer, step);
        run(1L << 30, [&](Team team) { attend(team, (const T*)qkv, *layer, step, (T*)out); });
    });
}

void activate_rows(int dtype, long rows, long count, const void* in, int activation, int gated,
                   void* out) {
    with_dtype(dtype, [&](auto t) {
        using T = decltype(t);
        run(rows * count, [&](Team team) {
            activate(team, rows, count, (const T*)in, activation, gated, (T*)out);
        });
    });
}

// Say whether there are products and whole layers.
int has_products() { return PRODUCTS; }

#if PRODUCTS
void multiply(const Product* p, long rows, const void* in, void* out) {
    char* room = room_of(Whole::bytes(rows, p->in));
    run(1L << 30, [&](Team team) { product(team, *p, rows, (const bf16*)in, (bf16*)out, room); });
}

struct Layer {
    Norm norm, mlp_norm;
    const Norm *post_of_previous, *post_of_attention;  // or null
    Product qkv, proj, fc1, fc2;
    Attention attention;
    int activation, gated;
};

static long widest(const Layer& layer) {
    return std::max({layer.qkv.in, layer.proj.in, layer.fc2.in});
}

// Compute layers one after the other without leaving the threads. hidden: [rows, hidden] fp32;
// added: what the layer before gave, or null; out: [rows, hidden], what the last layer gives.
void compute_layers(const Layer* layers, long count, float* hidden, const bf16* added,
                    const Step* given, bf16* out, bf16* room) {
    Step step = *given;
    long rows = step.rows;
    step.partials = room_for_partials<bf16>(layers->attention, step);
    char* whole = room_of(Whole::bytes(rows, widest(*layers)));
#pragma omp parallel
    {
        Team team{omp_get_thread_num(), omp_get_num_threads()};
        const bf16* given_on = added;
        for (const Layer* layer = layers; layer < layers + count; layer++) {
            long size = layer->qkv.in;
            bf16 *normed = room, *qkv = normed + rows * size, *mixed = qkv + rows * layer->qkv.out;
            bf16* projected = mixed + rows * layer->proj.in;
            bf16 *wide = projected + rows * size, *fed = wide + rows * layer->fc1.out;
            add_norm(team, rows, size, hidden, given_on, layer->post_of_previous, layer->norm, normed);
#pragma omp barrier
            product(team, layer->qkv, rows, normed, qkv, whole);
#pragma omp barrier
            store_rows(team, qkv, layer->attention, step);
#pragma omp barrier
            attend(team, (const bf16*)qkv, layer->attention, step, mixed);
#pragma omp barrier
            product(team, layer->proj, rows, mixed, projected, whole);
#pragma omp barrier
            add_norm(team, rows, size, hidden, (const bf16*)projected, layer->post_of_attention,
                     layer->mlp_norm, normed);
#pragma omp barrier
            product(team, layer->fc1, rows, normed, wide, whole);
#pragma omp barrier
            activate(team, rows, layer->fc2.in, (const bf16*)wide, layer->activation, layer->gated,
                     fed);
#pragma omp barrier
            product(team, layer->fc2, rows, fed, out, whole);
#pragma omp barrier
            given_on = out;
        }
    }
}
#endif
}
