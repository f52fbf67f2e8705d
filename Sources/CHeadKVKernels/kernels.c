// Dispatch of the kernels in kernels_body.h, which is compiled once per instruction set.

#include "headkv_kernels.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#pragma STDC FP_CONTRACT OFF
#pragma clang diagnostic ignored "-Wpsabi"

/// What a bf12 panel begins with: behind it is room for a list, then come the steps.
struct bf12_head {
  /// High bytes by their place; the first is zero, as are those that are not used.
  uint8_t table[16];
  /// Weights in the list: 17 bits of step, 7 of place in the step, 8 of high byte, in this order.
  uint32_t listed;
  uint32_t unused[11];
};

/// What is done with cached rows of one element type.
struct row_kernels {
  float (*narrow)(const float *, size_t, void *);
  void (*widen)(const void *, float, size_t, float *);
  float (*dot)(const void *, const void *, size_t);
  float (*merge)(void *, float, const void *, float, float, size_t);
  void (*merge_costs)(const void *, const float *, const void *, const float *, size_t,
                      const float *, size_t, const int32_t *, size_t, size_t, const float *,
                      float *);
};

struct kernel_table {
  const char *name;
  /// Bytes that a step of a row of x takes.
  size_t step_bf16, step_i8;
  void (*linear_f32)(const float *, size_t, size_t, size_t, const float *, size_t, size_t, float *,
                     size_t, int);
  void (*linear_bf16)(const uint16_t *, size_t, size_t, size_t, const float *, size_t, size_t,
                      float *, size_t, int);
  void (*linear_f16)(const uint16_t *, size_t, size_t, size_t, const float *, size_t, size_t,
                     float *, size_t, int);
  void (*packed_f32)(const hkv_packed *, size_t, size_t, const hkv_rows *, float *, size_t,
                     const float *, const float *);
  void (*packed_bf16)(const hkv_packed *, size_t, size_t, const hkv_rows *, float *, size_t,
                      const float *, const float *);
  void (*packed_bf12)(const hkv_packed *, size_t, size_t, const hkv_rows *, float *, size_t,
                      const float *, const float *, void *);
  void (*packed_i8)(const hkv_packed *, size_t, size_t, const hkv_rows *, float *, size_t,
                    const float *, const float *);
  void (*rows_bf16)(const float *, size_t, size_t, void *);
  void (*rows_i8)(const float *, size_t, size_t, void *);
  void (*pack)(int, const void *, int, size_t, size_t, size_t, size_t, void *, float *);
  int (*pack_bf12)(const void *, int, size_t, size_t, size_t, size_t, void *);
  void (*attend_f32)(const float *, const float *, size_t, const float *, size_t, const float *,
                     size_t, size_t, float, float *, float *);
  void (*attend_bf16)(const float *, const uint16_t *, size_t, const uint16_t *, size_t,
                      const float *, size_t, size_t, float, float *, float *);
  void (*attend_f16)(const float *, const uint16_t *, size_t, const uint16_t *, size_t,
                     const float *, size_t, size_t, float, float *, float *);
  void (*attend_i8)(const float *, const int8_t *, size_t, const float *, const int8_t *, size_t,
                    const float *, const float *, size_t, size_t, float, float *, float *);
  void (*rms_norm)(const float *, const float *, size_t, float, float *);
  void (*silu_mul)(float *, const float *, size_t);
  void (*gelu_tanh)(float *, size_t);
  void (*softmax)(float *, size_t);
  void (*exp)(float *, size_t);
  void (*rotate_pairs)(float *, const float *, size_t);
  void (*scale_shift)(const float *, size_t, size_t, const float *, const float *, int, float *);
  void (*moments)(const float *, size_t, size_t, float *, float *);
  void (*winograd_weights)(const hkv_packed *, size_t, size_t, size_t, int, float *);
  void (*winograd_input)(const float *, size_t, size_t, int, float *, size_t);
  void (*winograd_output)(const float *, size_t, int, const hkv_tile *);
  uint32_t (*sum_u32)(const uint32_t *, size_t);
  void (*weigh_queries)(const hkv_queries *, const float *, const float *, float);
  void (*pool_errors)(const hkv_queries *, const int32_t *, size_t, float, float, float *,
                      double *);
  void (*extent)(const float *, size_t, float *, float *);
  void (*count_at_least)(const float *, size_t, const float *, uint32_t *);
  size_t (*list_between)(const float *, size_t, float, float, int32_t *);
  size_t (*list_born)(const int32_t *, int32_t, int32_t, size_t, size_t, size_t, int32_t *);
  size_t (*lowest_score)(const float *, const int32_t *, int32_t, size_t, size_t);
  size_t (*equal_score)(const float *, const int32_t *, int32_t, size_t, size_t, float);
  /// By element type.
  struct row_kernels rows[4];
};

// Vectors of 16 lanes whatever the registers: wider than these, they become several. The memory
// forms need no alignment.
typedef float v16 __attribute__((vector_size(64)));
typedef float v8 __attribute__((vector_size(32)));
typedef float v4 __attribute__((vector_size(16)));
typedef int32_t i16 __attribute__((vector_size(64)));
typedef uint32_t u16 __attribute__((vector_size(64)));
typedef uint32_t u8 __attribute__((vector_size(32)));
typedef uint16_t h16 __attribute__((vector_size(32)));
typedef uint8_t b16 __attribute__((vector_size(16)));
typedef uint8_t b64 __attribute__((vector_size(64)));
typedef int8_t c16 __attribute__((vector_size(16)));
typedef float v16_memory __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint8_t b64_memory __attribute__((vector_size(64), aligned(1), may_alias));
typedef uint32_t u16_memory __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t h16_memory __attribute__((vector_size(32), aligned(2), may_alias));

#define PORTABLE 0
#define AVX2 1
#define AVX512 2
#define AVX512VNNI 3
#define AVX512BF16 4

size_t hkv_packed_steps(int packing, size_t k) {
  switch (packing) {
    case HKV_PACKED_F32: return k;
    case HKV_PACKED_BF16:
    case HKV_PACKED_BF12: return (k + 1) / 2;
    default: return (k + 63) / 64 * 16;
  }
}

size_t hkv_bf12_listable(size_t steps) { return (steps + 31) / 32 * 16; }

size_t hkv_panel_bytes(int packing, size_t steps) {
  if (packing != HKV_PACKED_BF12) return 256 * steps;
  return sizeof(struct bf12_head) + 4 * hkv_bf12_listable(steps) + 192 * steps;
}

size_t hkv_room_bytes(int packing, size_t steps) {
  return packing == HKV_PACKED_BF12 ? 256 * steps : 0;
}

/// Where the steps of a panel begin.
static const char *bf12_steps(const struct bf12_head *head, size_t steps) {
  return (const char *)(head + 1) + 4 * hkv_bf12_listable(steps);
}

/// Fills a table with the most frequent bytes that are not zero; of equals the lower ones.
static void bf12_choose(uint32_t counts[2][256], uint8_t table[16]) {
  for (size_t i = 0; i < 256; i++) counts[0][i] += counts[1][i];
  counts[0][0] = 0;
  table[0] = 0;
  for (size_t place = 1; place < 16; place++) {
    size_t most = 0;
    for (size_t i = 1; i < 256; i++)
      if (counts[0][i] > counts[0][most]) most = i;
    table[place] = (uint8_t)most;
    counts[0][most] = 0;
  }
}

static int bf12_is_zero(const b64 *bytes) {
  uint64_t words[8], any = 0;
  memcpy(words, bytes, 64);
  for (size_t i = 0; i < 8; i++) any |= words[i];
  return any == 0;
}

size_t hkv_pool_room(size_t dim, size_t clusters) {
  return 32 * dim + (clusters > 0 ? clusters : 1) * (dim + 33);
}

#define LEVEL PORTABLE
#define LEVEL_NAME "portable"
#define NAMED(name) name##_portable
#include "kernels_body.h"
#undef LEVEL
#undef LEVEL_NAME
#undef NAMED

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define LEVEL AVX2
#define LEVEL_NAME "avx2"
#define NAMED(name) name##_avx2
#include "kernels_body.h"
#undef LEVEL
#undef LEVEL_NAME
#undef NAMED
#pragma clang attribute pop

#pragma clang attribute push(                                                                     \
    __attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512dq,fma,f16c"))),                   \
    apply_to = function)
#define LEVEL AVX512
#define LEVEL_NAME "avx512"
#define NAMED(name) name##_avx512
#include "kernels_body.h"
#undef LEVEL
#undef LEVEL_NAME
#undef NAMED
#pragma clang attribute pop

#pragma clang attribute push(                                                                     \
    __attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,f16c"))),        \
    apply_to = function)
#define LEVEL AVX512VNNI
#define LEVEL_NAME "avx512vnni"
#define NAMED(name) name##_avx512vnni
#include "kernels_body.h"
#undef LEVEL
#undef LEVEL_NAME
#undef NAMED
#pragma clang attribute pop

#pragma clang attribute push(                                                                     \
    __attribute__((                                                                                \
        target("avx2,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,fma,f16c"))),        \
    apply_to = function)
#define LEVEL AVX512BF16
#define LEVEL_NAME "avx512bf16"
#define NAMED(name) name##_avx512bf16
#include "kernels_body.h"
#undef LEVEL
#undef LEVEL_NAME
#undef NAMED
#pragma clang attribute pop

#endif

static const struct kernel_table *active = &table_portable;

static const struct kernel_table *current(void) {
  return __atomic_load_n(&active, __ATOMIC_RELAXED);
}

const char *hkv_instruction_set(void) { return current()->name; }

/// The kernels of that name; NULL if this processor or build lacks them.
static const struct kernel_table *find(const char *name) {
  if (strcmp(name, "portable") == 0) return &table_portable;
#if defined(__x86_64__)
  __builtin_cpu_init();
  int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("f16c");
  if (avx2 && strcmp(name, "avx2") == 0) return &table_avx2;
  int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  int vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  if (avx512 && strcmp(name, "avx512") == 0) return &table_avx512;
  if (vnni && strcmp(name, "avx512vnni") == 0) return &table_avx512vnni;
  if (vnni && __builtin_cpu_supports("avx512bf16") && strcmp(name, "avx512bf16") == 0)
    return &table_avx512bf16;
#endif
  return NULL;
}

int hkv_has_instruction_set(const char *name) { return find(name) != NULL; }

int hkv_select_instruction_set(const char *name) {
  const struct kernel_table *found = find(name);
  if (!found) return 0;
  __atomic_store_n(&active, found, __ATOMIC_RELAXED);
  return 1;
}

const char *hkv_cpu_feature(size_t index) {
#if defined(__x86_64__)
  __builtin_cpu_init();
#define HAS(name) {name, __builtin_cpu_supports(name) != 0}
  const struct {
    const char *name;
    int is_there;
  } features[] = {HAS("sse4.2"),   HAS("avx"),      HAS("f16c"),     HAS("fma"),
                  HAS("avx2"),     HAS("avx512f"),  HAS("avx512bw"), HAS("avx512dq"),
                  HAS("avx512vl"), HAS("avx512vnni"), HAS("avx512bf16")};
#undef HAS
  for (size_t i = 0; i < sizeof features / sizeof *features; i++)
    if (features[i].is_there && index-- == 0) return features[i].name;
#elif defined(__aarch64__)
  if (index == 0) return "neon";
#endif
  return NULL;
}

__attribute__((constructor)) static void select_best(void) {
  const char *wanted = getenv("HEADKV_ISA");
  if (wanted && hkv_select_instruction_set(wanted)) return;
  const char *best[] = {"avx512bf16", "avx512vnni", "avx512", "avx2"};
  for (size_t i = 0; i < sizeof best / sizeof *best; i++)
    if (hkv_select_instruction_set(best[i])) return;
}

void hkv_linear_f32(const float *w, size_t n0, size_t n1, size_t k, const float *x, size_t ldx,
                    size_t m, float *y, size_t ldy, int accumulate) {
  current()->linear_f32(w, n0, n1, k, x, ldx, m, y, ldy, accumulate);
}

void hkv_linear_bf16(const uint16_t *w, size_t n0, size_t n1, size_t k, const float *x, size_t ldx,
                     size_t m, float *y, size_t ldy, int accumulate) {
  current()->linear_bf16(w, n0, n1, k, x, ldx, m, y, ldy, accumulate);
}

void hkv_linear_f16(const uint16_t *w, size_t n0, size_t n1, size_t k, const float *x, size_t ldx,
                    size_t m, float *y, size_t ldy, int accumulate) {
  current()->linear_f16(w, n0, n1, k, x, ldx, m, y, ldy, accumulate);
}

void hkv_packed_linear(int packing, const hkv_packed *w, size_t first, size_t end,
                       const hkv_rows *x, float *y, size_t ldy, const float *add,
                       const float *terms, void *room) {
  const struct kernel_table *table = current();
  if (x->count == 0) return;
  switch (packing) {
    case HKV_PACKED_F32: table->packed_f32(w, first, end, x, y, ldy, add, terms); break;
    case HKV_PACKED_BF16: table->packed_bf16(w, first, end, x, y, ldy, add, terms); break;
    case HKV_PACKED_BF12: table->packed_bf12(w, first, end, x, y, ldy, add, terms, room); break;
    default: table->packed_i8(w, first, end, x, y, ldy, add, terms); break;
  }
}

size_t hkv_row_bytes(int packing, size_t k) {
  const size_t steps = hkv_packed_steps(packing, k);
  switch (packing) {
    case HKV_PACKED_F32: return 4 * k;
    case HKV_PACKED_BF16:
    case HKV_PACKED_BF12: return current()->step_bf16 * steps;
    default: return current()->step_i8 * steps + 8 * (steps / 16);
  }
}

void hkv_prepare_row(int packing, const float *x, size_t k, void *out) {
  const size_t steps = hkv_packed_steps(packing, k);
  switch (packing) {
    case HKV_PACKED_F32: memcpy(out, x, 4 * k); break;
    case HKV_PACKED_BF16:
    case HKV_PACKED_BF12: current()->rows_bf16(x, k, steps, out); break;
    default: current()->rows_i8(x, k, steps, out); break;
  }
}

int hkv_pack(int packing, const void *w, int element, size_t n, size_t k, size_t first, size_t end,
             void *out, float *scales) {
  if (packing == HKV_PACKED_BF12)
    return current()->pack_bf12(w, element, n, k, first, end, out);
  current()->pack(packing, w, element, n, k, first, end, out, scales);
  return 1;
}

void hkv_attend_bf16(const float *q, const uint16_t *k, size_t k_stride, const uint16_t *v,
                     size_t v_stride, const float *bias, size_t rows, size_t dim, float scale,
                     float *weights, float *out) {
  current()->attend_bf16(q, k, k_stride, v, v_stride, bias, rows, dim, scale, weights, out);
}

void hkv_attend_f16(const float *q, const uint16_t *k, size_t k_stride, const uint16_t *v,
                    size_t v_stride, const float *bias, size_t rows, size_t dim, float scale,
                    float *weights, float *out) {
  current()->attend_f16(q, k, k_stride, v, v_stride, bias, rows, dim, scale, weights, out);
}

void hkv_attend_i8(const float *q, const int8_t *k, size_t k_stride, const float *k_scales,
                   const int8_t *v, size_t v_stride, const float *v_scales, const float *bias,
                   size_t rows, size_t dim, float scale, float *weights, float *out) {
  current()->attend_i8(q, k, k_stride, k_scales, v, v_stride, v_scales, bias, rows, dim, scale,
                       weights, out);
}

void hkv_attend_f32(const float *q, const float *k, size_t k_stride, const float *v,
                    size_t v_stride, const float *bias, size_t rows, size_t dim, float scale,
                    float *weights, float *out) {
  current()->attend_f32(q, k, k_stride, v, v_stride, bias, rows, dim, scale, weights, out);
}

void hkv_rms_norm(const float *x, const float *weight, size_t n, float eps, float *out) {
  current()->rms_norm(x, weight, n, eps, out);
}

void hkv_silu_mul(float *gate, const float *up, size_t n) { current()->silu_mul(gate, up, n); }

void hkv_gelu_tanh(float *x, size_t n) { current()->gelu_tanh(x, n); }

void hkv_softmax(float *x, size_t n) { current()->softmax(x, n); }

void hkv_exp(float *x, size_t n) { current()->exp(x, n); }

void hkv_rotate_pairs(float *x, const float *cos_sin, size_t pairs) {
  current()->rotate_pairs(x, cos_sin, pairs);
}

float hkv_narrow_row(int element, const float *x, size_t n, void *out) {
  return current()->rows[element].narrow(x, n, out);
}

void hkv_widen_row(int element, const void *x, float scale, size_t n, float *out) {
  current()->rows[element].widen(x, scale, n, out);
}

float hkv_dot_rows(int element, const void *x, const void *y, size_t n) {
  return current()->rows[element].dot(x, y, n);
}

float hkv_merge_rows(int element, void *into, float into_scale, const void *from, float from_scale,
                     float share, size_t n) {
  return current()->rows[element].merge(into, into_scale, from, from_scale, share, n);
}

size_t hkv_list_born(const int32_t *births, int32_t from, int32_t before, size_t row, size_t first,
                     size_t rows, int32_t *list) {
  return current()->list_born(births, from, before, row, first, rows, list);
}

void hkv_merge_costs(int element, const void *k, const float *k_scales, const void *v,
                     const float *v_scales, size_t stride, const float *bias, size_t row,
                     const int32_t *list, size_t listed, size_t dim, const float *added,
                     float *costs) {
  current()->rows[element].merge_costs(k, k_scales, v, v_scales, stride, bias, row, list, listed,
                                       dim, added, costs);
}

void hkv_weigh_queries(const hkv_queries *asked, const float *keys, const float *queries,
                       float scale) {
  current()->weigh_queries(asked, keys, queries, scale);
}

void hkv_pool_errors(const hkv_queries *asked, const int32_t *cluster_of, size_t clusters,
                     float fewest, float horizon, float *room, double *errors) {
  current()->pool_errors(asked, cluster_of, clusters, fewest, horizon, room, errors);
}

size_t hkv_lowest_score(const float *scores, const int32_t *births, int32_t before, size_t first,
                        size_t rows) {
  return current()->lowest_score(scores, births, before, first, rows);
}

size_t hkv_equal_score(const float *scores, const int32_t *births, int32_t before, size_t first,
                       size_t rows, float score) {
  return current()->equal_score(scores, births, before, first, rows, score);
}

void hkv_extent(const float *x, size_t n, float *least, float *most) {
  current()->extent(x, n, least, most);
}

void hkv_count_at_least(const float *x, size_t n, const float *bounds, uint32_t *counts) {
  current()->count_at_least(x, n, bounds, counts);
}

size_t hkv_list_between(const float *x, size_t n, float least, float below, int32_t *list) {
  return current()->list_between(x, n, least, below, list);
}

void hkv_scale_shift(const float *x, size_t pixels, size_t channels, const float *scale,
                     const float *shift, int silu, float *out) {
  current()->scale_shift(x, pixels, channels, scale, shift, silu, out);
}

void hkv_moments(const float *x, size_t pixels, size_t channels, float *mean, float *squares) {
  current()->moments(x, pixels, channels, mean, squares);
}

size_t hkv_winograd_points(int doubled) { return doubled ? 25 : 36; }

void hkv_winograd_weights(const hkv_packed *w, size_t panel, size_t first, size_t end, int doubled,
                          float *out) {
  current()->winograd_weights(w, panel, first, end, doubled, out);
}

void hkv_winograd_input(const float *window, size_t row, size_t channels, int doubled, float *out,
                        size_t stride) {
  current()->winograd_input(window, row, channels, doubled, out, stride);
}

void hkv_winograd_products(const float *weights, size_t columns, size_t channels, int doubled,
                           const float *input, size_t input_stride, size_t tiles, float *products,
                           size_t stride) {
  const struct kernel_table *table = current();
  for (size_t point = 0; point < hkv_winograd_points(doubled); point++) {
    const hkv_packed w = {weights + point * channels * columns, columns, channels, 1};
    const hkv_rows rows = {input + point * input_stride, 4 * channels, tiles, 0};
    table->packed_f32(&w, 0, 1, &rows, products + point * stride, columns, NULL, NULL);
  }
}

void hkv_winograd_output(const float *products, size_t stride, int doubled, const hkv_tile *tile) {
  current()->winograd_output(products, stride, doubled, tile);
}
uint32_t hkv_sum_u32(const uint32_t *from, size_t count) { return current()->sum_u32(from, count); }
