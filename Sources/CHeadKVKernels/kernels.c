// Dispatch of the kernels in kernels_body.h, which is compiled once per instruction set.

#include "headkv_kernels.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#pragma STDC FP_CONTRACT OFF
#pragma clang diagnostic ignored "-Wpsabi"

struct kernel_table {
  const char *name;
  void (*linear_f32)(const float *, size_t, size_t, size_t, const float *, size_t, size_t, float *,
                     size_t, int);
  void (*linear_bf16)(const uint16_t *, size_t, size_t, size_t, const float *, size_t, size_t,
                      float *, size_t, int);
  void (*linear_f16)(const uint16_t *, size_t, size_t, size_t, const float *, size_t, size_t,
                     float *, size_t, int);
  void (*attend_f32)(const float *, const float *, size_t, const float *, size_t, const float *,
                     size_t, size_t, float, float *, float *);
  void (*rms_norm)(const float *, const float *, size_t, float, float *);
  void (*silu_mul)(float *, const float *, size_t);
  void (*silu)(float *, size_t);
  void (*gelu_tanh)(float *, size_t);
  void (*softmax)(float *, size_t);
  void (*exp)(float *, size_t);
  void (*rotate_pairs)(float *, const float *, size_t);
};

// Vectors of 16 lanes whatever the registers: wider than these, they become several. The memory
// forms need no alignment.
typedef float v16 __attribute__((vector_size(64)));
typedef float v8 __attribute__((vector_size(32)));
typedef float v4 __attribute__((vector_size(16)));
typedef int32_t i16 __attribute__((vector_size(64)));
typedef uint32_t u16 __attribute__((vector_size(64)));
typedef uint16_t h16 __attribute__((vector_size(32)));
typedef float v16_memory __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t h16_memory __attribute__((vector_size(32), aligned(2), may_alias));

#define PORTABLE 0
#define AVX2 1
#define AVX512 2

#define LEVEL PORTABLE
#define NAMED(name) name##_portable
#include "kernels_body.h"
#undef LEVEL
#undef NAMED

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define LEVEL AVX2
#define NAMED(name) name##_avx2
#include "kernels_body.h"
#undef LEVEL
#undef NAMED
#pragma clang attribute pop

#pragma clang attribute push(                                                                     \
    __attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512dq,fma,f16c"))),                   \
    apply_to = function)
#define LEVEL AVX512
#define NAMED(name) name##_avx512
#include "kernels_body.h"
#undef LEVEL
#undef NAMED
#pragma clang attribute pop

#endif

static const struct kernel_table *active = &table_portable;

static const struct kernel_table *current(void) {
  return __atomic_load_n(&active, __ATOMIC_RELAXED);
}

const char *hkv_instruction_set(void) { return current()->name; }

int hkv_select_instruction_set(const char *name) {
  const struct kernel_table *found = NULL;
  if (strcmp(name, "portable") == 0) found = &table_portable;
#if defined(__x86_64__)
  __builtin_cpu_init();
  int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("f16c");
  if (avx2 && strcmp(name, "avx2") == 0) found = &table_avx2;
  if (avx2 && strcmp(name, "avx512") == 0 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq"))
    found = &table_avx512;
#endif
  if (!found) return 0;
  __atomic_store_n(&active, found, __ATOMIC_RELAXED);
  return 1;
}

__attribute__((constructor)) static void select_best(void) {
  const char *wanted = getenv("HEADKV_ISA");
  if (wanted && hkv_select_instruction_set(wanted)) return;
  if (!hkv_select_instruction_set("avx512")) hkv_select_instruction_set("avx2");
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

void hkv_attend_f32(const float *q, const float *k, size_t k_stride, const float *v,
                    size_t v_stride, const float *bias, size_t rows, size_t dim, float scale,
                    float *weights, float *out) {
  current()->attend_f32(q, k, k_stride, v, v_stride, bias, rows, dim, scale, weights, out);
}

void hkv_rms_norm(const float *x, const float *weight, size_t n, float eps, float *out) {
  current()->rms_norm(x, weight, n, eps, out);
}

void hkv_silu_mul(float *gate, const float *up, size_t n) { current()->silu_mul(gate, up, n); }

void hkv_silu(float *x, size_t n) { current()->silu(x, n); }

void hkv_gelu_tanh(float *x, size_t n) { current()->gelu_tanh(x, n); }

void hkv_softmax(float *x, size_t n) { current()->softmax(x, n); }

void hkv_exp(float *x, size_t n) { current()->exp(x, n); }

void hkv_rotate_pairs(float *x, const float *cos_sin, size_t pairs) {
  current()->rotate_pairs(x, cos_sin, pairs);
}
