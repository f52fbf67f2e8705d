#ifndef HEADKV_KERNELS_H
#define HEADKV_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Tells the processor that this thread spins.
static inline void hkv_spin_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

/// y[m * ldy + n] = (accumulate ? y[m * ldy + n] : 0) + dot(x + m * ldx, w + n * k), n in [n0, n1).
///
/// `w` is row-major with row stride `k` elements and needs no alignment beyond its element's.
/// Elements are widened exactly. The bits of an element of y depend on its row of x and its row
/// of w alone (and on its old value if `accumulate`), never on m, n0, n1 or the tiles chosen.
void hkv_linear_f32(const float *w, size_t n0, size_t n1, size_t k, const float *x, size_t ldx,
                    size_t m, float *y, size_t ldy, int accumulate);
/// The same for bfloat16 weights.
void hkv_linear_bf16(const uint16_t *w, size_t n0, size_t n1, size_t k, const float *x, size_t ldx,
                     size_t m, float *y, size_t ldy, int accumulate);
/// The same for IEEE half-precision weights.
void hkv_linear_f16(const uint16_t *w, size_t n0, size_t n1, size_t k, const float *x, size_t ldx,
                    size_t m, float *y, size_t ldy, int accumulate);

/// One query over `rows` keys and values: weights = softmax(scale * K q + bias),
/// out[d] = sum over r of weights[r] * V[r][d].
///
/// Strides count floats. `bias` may be NULL. `rows` is at least 1; `dim` is any number.
void hkv_attend_f32(const float *q, const float *k, size_t k_stride, const float *v,
                    size_t v_stride, const float *bias, size_t rows, size_t dim, float scale,
                    float *weights, float *out);

/// out = x / sqrt(mean(x^2) + eps) * weight; `out` may be `x`.
void hkv_rms_norm(const float *x, const float *weight, size_t n, float eps, float *out);

/// gate = silu(gate) * up.
void hkv_silu_mul(float *gate, const float *up, size_t n);

/// x = x / (1 + exp(-x)), element by element.
void hkv_silu(float *x, size_t n);

/// x = gelu(x), the tanh form.
void hkv_gelu_tanh(float *x, size_t n);

/// x = softmax(x). Entries of -inf become 0, also when there is nothing else.
void hkv_softmax(float *x, size_t n);

/// x = exp(x); 0 below -87.3, saturates above 88. For tests and small jobs.
void hkv_exp(float *x, size_t n);

/// Turns interleaved pairs: (x0, x1) -> (x0 c - x1 s, x0 s + x1 c); cos_sin is [pairs][2].
void hkv_rotate_pairs(float *x, const float *cos_sin, size_t pairs);

/// The instruction set in use: "portable", "avx2" or "avx512".
const char *hkv_instruction_set(void);

/// Switches to another instruction set, for tests; 0 if this processor or build lacks it.
int hkv_select_instruction_set(const char *name);

#ifdef __cplusplus
}
#endif

#endif
