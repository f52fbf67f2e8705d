// The kernels, for the instruction set LEVEL; NAMED(name) gives a function its suffix.
//
// No include guard: kernels.c includes this once per instruction set. Every set does the same
// arithmetic in the same order on vectors of 16 lanes, so "avx2" and "avx512" agree bit for bit.
// ("portable" on x86-64 has no fused multiply-add and rounds once more; "avx512bf16" adds pairs of
// bfloat16 products as the processor does.)

#define HELPER static inline __attribute__((always_inline, unused))
#define UNROLL _Pragma("clang loop unroll(full)")

// MARK: - Vectors

HELPER v16 NAMED(splat)(float value) {
  return (v16){value, value, value, value, value, value, value, value,
               value, value, value, value, value, value, value, value};
}

HELPER v16 NAMED(fma)(v16 a, v16 b, v16 c) {
#if LEVEL == PORTABLE && defined(__x86_64__)
  return a * b + c;
#else
  return __builtin_elementwise_fma(a, b, c);
#endif
}

HELPER v16 NAMED(load)(const float *from) { return *(const v16_memory *)from; }

HELPER void NAMED(store)(float *to, v16 value) { *(v16_memory *)to = value; }

/// The first `count` (below 16) lanes from memory, zeros in the others.
HELPER v16 NAMED(load_part)(const float *from, size_t count) {
#if LEVEL >= AVX512
  return (v16)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from);
#else
  float lanes[16] = {0};
  for (size_t i = 0; i < count; i++) lanes[i] = from[i];
  return NAMED(load)(lanes);
#endif
}

HELPER void NAMED(store_part)(float *to, v16 value, size_t count) {
#if LEVEL >= AVX512
  _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), (__m512)value);
#else
  for (size_t i = 0; i < count; i++) to[i] = value[i];
#endif
}

HELPER v16 NAMED(select)(i16 mask, v16 a, v16 b) {
  return (v16)((mask & (i16)a) | (~mask & (i16)b));
}

HELPER v4 NAMED(quarter)(v16 a) {
  v8 half = __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7) +
            __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15);
  return __builtin_shufflevector(half, half, 0, 1, 2, 3) +
         __builtin_shufflevector(half, half, 4, 5, 6, 7);
}

/// The sum of all lanes: always lanes i and i + 8, then i + 4, i + 2, i + 1.
HELPER float NAMED(sum)(v16 a) {
  v4 quarter = NAMED(quarter)(a);
  float even = quarter[0] + quarter[2];
  float odd = quarter[1] + quarter[3];
  return even + odd;
}

/// Four sums at once, each with the additions of `sum`.
HELPER v4 NAMED(sum4)(v16 a, v16 b, v16 c, v16 d) {
  v4 qa = NAMED(quarter)(a), qb = NAMED(quarter)(b);
  v4 qc = NAMED(quarter)(c), qd = NAMED(quarter)(d);
  v4 ab = __builtin_shufflevector(qa, qb, 0, 1, 4, 5) + __builtin_shufflevector(qa, qb, 2, 3, 6, 7);
  v4 cd = __builtin_shufflevector(qc, qd, 0, 1, 4, 5) + __builtin_shufflevector(qc, qd, 2, 3, 6, 7);
  return __builtin_shufflevector(ab, cd, 0, 2, 4, 6) + __builtin_shufflevector(ab, cd, 1, 3, 5, 7);
}

HELPER float NAMED(largest)(v16 a) {
  float largest = a[0];
  for (int i = 1; i < 16; i++) largest = a[i] > largest ? a[i] : largest;
  return largest;
}

/// exp(x), relative error below 2e-7; 0 below -87.336, saturates at x = 88, NaN for NaN.
HELPER v16 NAMED(exp)(v16 x) {
  const v16 low = NAMED(splat)(-87.336f), high = NAMED(splat)(88.0f);
  i16 vanishes = x < low;
  x = NAMED(select)(vanishes, low, x);
  x = NAMED(select)(x > high, high, x);
  // x = n ln 2 + r with n rounded by the addition of 1.5 * 2^23.
  const v16 magic = NAMED(splat)(12582912.0f);
  v16 shifted = NAMED(fma)(x, NAMED(splat)(1.44269504088896341f), magic);
  v16 n = shifted - magic;
  v16 r = NAMED(fma)(n, NAMED(splat)(-0.693359375f), x);
  r = NAMED(fma)(n, NAMED(splat)(2.12194440e-4f), r);
  v16 p = NAMED(splat)(1.9875691500e-4f);
  p = NAMED(fma)(p, r, NAMED(splat)(1.3981999507e-3f));
  p = NAMED(fma)(p, r, NAMED(splat)(8.3334519073e-3f));
  p = NAMED(fma)(p, r, NAMED(splat)(4.1665795894e-2f));
  p = NAMED(fma)(p, r, NAMED(splat)(1.6666665459e-1f));
  p = NAMED(fma)(p, r, NAMED(splat)(5.0000001201e-1f));
  p = NAMED(fma)(p, r * r, r) + NAMED(splat)(1.0f);
  u16 power = ((u16)shifted - (u16)magic + 127u) << 23;
  v16 result = p * (v16)power;
  return NAMED(select)(vanishes, NAMED(splat)(0), result);
}

// MARK: - Weights of each element type

HELPER v16 NAMED(load_f32)(const float *from) { return NAMED(load)(from); }

HELPER v16 NAMED(load_part_f32)(const float *from, size_t count) {
  return NAMED(load_part)(from, count);
}

HELPER h16 NAMED(load_part_u16)(const uint16_t *from, size_t count) {
#if LEVEL >= AVX512
  return (h16)_mm256_maskz_loadu_epi16((__mmask16)((1u << count) - 1), from);
#else
  uint16_t lanes[16] = {0};
  for (size_t i = 0; i < count; i++) lanes[i] = from[i];
  return *(const h16_memory *)lanes;
#endif
}

HELPER v16 NAMED(widen_bf16)(h16 a) { return (v16)(__builtin_convertvector(a, u16) << 16); }

HELPER v16 NAMED(load_bf16)(const uint16_t *from) {
  return NAMED(widen_bf16)(*(const h16_memory *)from);
}

HELPER v16 NAMED(load_part_bf16)(const uint16_t *from, size_t count) {
  return NAMED(widen_bf16)(NAMED(load_part_u16)(from, count));
}

HELPER v16 NAMED(widen_f16)(h16 a) {
#if LEVEL >= AVX512
  return (v16)_mm512_cvtph_ps((__m256i)a);
#elif LEVEL == AVX2
  v8 low = (v8)_mm256_cvtph_ps((__m128i)__builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7));
  v8 high =
      (v8)_mm256_cvtph_ps((__m128i)__builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15));
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#else
  // The exponent moves by a multiplication, which also makes subnormals normal.
  u16 bits = __builtin_convertvector(a, u16);
  u16 magnitude = (bits & 0x7fffu) << 13;
  u16 value = (u16)((v16)magnitude * NAMED(splat)(0x1p112f));
  u16 special = (u16)((bits & 0x7c00u) == 0x7c00u);
  value = (special & (magnitude | 0x7f800000u)) | (~special & value);
  return (v16)(value | ((bits & 0x8000u) << 16));
#endif
}

HELPER v16 NAMED(load_f16)(const uint16_t *from) {
  return NAMED(widen_f16)(*(const h16_memory *)from);
}

HELPER v16 NAMED(load_part_f16)(const uint16_t *from, size_t count) {
  return NAMED(widen_f16)(NAMED(load_part_u16)(from, count));
}

// MARK: - Linear layers

/// Adds the sums of a tile of `nt` weight rows by `mt` rows of x to y, or puts them there.
HELPER void NAMED(finish_tile)(v16 sums[8][4], size_t nt, size_t mt, float *y, size_t ldy,
                               int accumulate) {
  UNROLL for (size_t j = 0; j < mt; j++) {
    float *to = y + j * ldy;
    size_t i = 0;
    UNROLL for (; i + 4 <= nt; i += 4) {
      v4 total = NAMED(sum4)(sums[i][j], sums[i + 1][j], sums[i + 2][j], sums[i + 3][j]);
      v4 old = {0, 0, 0, 0};
      if (accumulate) {
        memcpy(&old, to + i, sizeof old);
        total = old + total;
      }
      memcpy(to + i, &total, sizeof total);
    }
    UNROLL for (; i < nt; i++) {
      float total = NAMED(sum)(sums[i][j]);
      to[i] = accumulate ? to[i] + total : total;
    }
  }
}

// One accumulator of 16 lanes per element of y, over k in order: no tile changes a sum.
#define DEFINE_LINEAR(element, type)                                                               \
  HELPER void NAMED(tile_##element)(const type *w, size_t nt, size_t k, const float *x,            \
                                    size_t ldx, size_t mt, float *y, size_t ldy,                   \
                                    int accumulate) {                                              \
    v16 sums[8][4];                                                                                \
    UNROLL for (size_t i = 0; i < nt; i++)                                                         \
      UNROLL for (size_t j = 0; j < mt; j++) sums[i][j] = NAMED(splat)(0);                         \
    size_t at = 0;                                                                                 \
    for (; at + 16 <= k; at += 16) {                                                               \
      v16 columns[4];                                                                              \
      UNROLL for (size_t j = 0; j < mt; j++) columns[j] = NAMED(load)(x + j * ldx + at);           \
      UNROLL for (size_t i = 0; i < nt; i++) {                                                     \
        v16 row = NAMED(load_##element)(w + i * k + at);                                           \
        UNROLL for (size_t j = 0; j < mt; j++)                                                     \
          sums[i][j] = NAMED(fma)(row, columns[j], sums[i][j]);                                    \
      }                                                                                            \
    }                                                                                              \
    if (at < k) {                                                                                  \
      v16 columns[4];                                                                              \
      UNROLL for (size_t j = 0; j < mt; j++)                                                       \
        columns[j] = NAMED(load_part)(x + j * ldx + at, k - at);                                   \
      UNROLL for (size_t i = 0; i < nt; i++) {                                                     \
        v16 row = NAMED(load_part_##element)(w + i * k + at, k - at);                              \
        UNROLL for (size_t j = 0; j < mt; j++)                                                     \
          sums[i][j] = NAMED(fma)(row, columns[j], sums[i][j]);                                    \
      }                                                                                            \
    }                                                                                              \
    NAMED(finish_tile)(sums, nt, mt, y, ldy, accumulate);                                          \
  }                                                                                                \
                                                                                                   \
  static void NAMED(linear_##element)(const type *w, size_t n0, size_t n1, size_t k,               \
                                      const float *x, size_t ldx, size_t m, float *y, size_t ldy,  \
                                      int accumulate) {                                            \
    size_t n = n0;                                                                                 \
    while (n < n1) {                                                                               \
      const type *rows = w + n * k;                                                                \
      size_t left = n1 - n;                                                                        \
      /* Few rows of x wait for memory, which is read ahead best row by row. */                    \
      size_t step = m <= FEW_ROWS ? 1 : left >= 8 ? 8 : left >= 4 ? 4 : 1;                         \
      size_t j = 0;                                                                                \
      while (j < m) {                                                                              \
        const float *from = x + j * ldx;                                                           \
        float *to = y + j * ldy + n;                                                               \
        size_t mt = m - j < WIDEST_M ? m - j : WIDEST_M;                                           \
        if (step == 8) {                                                                           \
          LINEAR_TILES_8(element)                                                                  \
        } else if (step == 4) {                                                                    \
          LINEAR_TILES_4(element)                                                                  \
        } else {                                                                                   \
          LINEAR_TILES_1(element)                                                                  \
        }                                                                                          \
        j += mt;                                                                                   \
      }                                                                                            \
      n += step;                                                                                   \
    }                                                                                              \
  }

#define TILE(element, first, nt, mt)                                                               \
  NAMED(tile_##element)(rows + (first) * k, nt, k, from, ldx, mt, to + (first), ldy, accumulate);

#if LEVEL >= AVX512
// 32 registers of 16 lanes.
#define WIDEST_M 4
#define FEW_ROWS 4
#define LINEAR_TILES_8(element)                                                                    \
  switch (mt) {                                                                                    \
    case 1: TILE(element, 0, 8, 1) break;                                                          \
    case 2: TILE(element, 0, 8, 2) break;                                                          \
    case 3: TILE(element, 0, 4, 3) TILE(element, 4, 4, 3) break;                                   \
    default: TILE(element, 0, 4, 4) TILE(element, 4, 4, 4) break;                                  \
  }
#define LINEAR_TILES_4(element)                                                                    \
  switch (mt) {                                                                                    \
    case 1: TILE(element, 0, 4, 1) break;                                                          \
    case 2: TILE(element, 0, 4, 2) break;                                                          \
    case 3: TILE(element, 0, 4, 3) break;                                                          \
    default: TILE(element, 0, 4, 4) break;                                                         \
  }
#define LINEAR_TILES_1(element)                                                                    \
  switch (mt) {                                                                                    \
    case 1: TILE(element, 0, 1, 1) break;                                                          \
    case 2: TILE(element, 0, 1, 2) break;                                                          \
    case 3: TILE(element, 0, 1, 3) break;                                                          \
    default: TILE(element, 0, 1, 4) break;                                                         \
  }
#else
// 16 registers of 8 lanes (AVX2), 32 of 4 (arm64): a sum takes two or four of them.
#define WIDEST_M 2
#define FEW_ROWS 2
#define LINEAR_TILES_8(element)                                                                    \
  if (mt == 1) {                                                                                   \
    TILE(element, 0, 4, 1) TILE(element, 4, 4, 1)                                                  \
  } else {                                                                                         \
    TILE(element, 0, 2, 2) TILE(element, 2, 2, 2) TILE(element, 4, 2, 2) TILE(element, 6, 2, 2)    \
  }
#define LINEAR_TILES_4(element)                                                                    \
  if (mt == 1) {                                                                                   \
    TILE(element, 0, 4, 1)                                                                         \
  } else {                                                                                         \
    TILE(element, 0, 2, 2) TILE(element, 2, 2, 2)                                                  \
  }
#define LINEAR_TILES_1(element)                                                                    \
  if (mt == 1) {                                                                                   \
    TILE(element, 0, 1, 1)                                                                         \
  } else {                                                                                         \
    TILE(element, 0, 1, 2)                                                                         \
  }
#endif

DEFINE_LINEAR(f32, float)
DEFINE_LINEAR(bf16, uint16_t)
DEFINE_LINEAR(f16, uint16_t)

#undef WIDEST_M
#undef FEW_ROWS
#undef LINEAR_TILES_8
#undef LINEAR_TILES_4
#undef LINEAR_TILES_1
#undef TILE
#undef DEFINE_LINEAR

// MARK: - Softmax

HELPER void NAMED(softmax_body)(float *x, size_t n) {
  if (n == 0) return;
  const float infinity = __builtin_inff();
  const size_t whole = n & ~(size_t)15, part = n & 15;
  v16 most = NAMED(splat)(-infinity);
  for (size_t i = 0; i < whole; i += 16) {
    v16 a = NAMED(load)(x + i);
    most = NAMED(select)(a > most, a, most);
  }
  float top = NAMED(largest)(most);
  for (size_t i = whole; i < n; i++) top = x[i] > top ? x[i] : top;
  if (top == -infinity) top = 0;
  const v16 tops = NAMED(splat)(top);
  v16 sums = NAMED(splat)(0);
  for (size_t i = 0; i < whole; i += 16) {
    v16 e = NAMED(exp)(NAMED(load)(x + i) - tops);
    NAMED(store)(x + i, e);
    sums += e;
  }
  if (part) {
    v16 e = NAMED(exp)(NAMED(load_part)(x + whole, part) - tops);
    NAMED(store_part)(x + whole, e, part);
    sums += NAMED(load_part)(x + whole, part);
  }
  float total = NAMED(sum)(sums);
  const float inverse = total == 0 ? 0 : 1 / total;
  const v16 inverses = NAMED(splat)(inverse);
  for (size_t i = 0; i < whole; i += 16) NAMED(store)(x + i, NAMED(load)(x + i) * inverses);
  for (size_t i = whole; i < n; i++) x[i] *= inverse;
}

static void NAMED(softmax)(float *x, size_t n) { NAMED(softmax_body)(x, n); }

static void NAMED(exp_array)(float *x, size_t n) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) NAMED(store)(x + i, NAMED(exp)(NAMED(load)(x + i)));
  if (i < n) NAMED(store_part)(x + i, NAMED(exp)(NAMED(load_part)(x + i, n - i)), n - i);
}

// MARK: - Attention

HELPER v16 NAMED(widen_i8)(c16 a) { return __builtin_convertvector(a, v16); }

HELPER v16 NAMED(load_i8)(const int8_t *from) {
  c16 lanes;
  memcpy(&lanes, from, sizeof lanes);
  return NAMED(widen_i8)(lanes);
}

HELPER v16 NAMED(load_part_i8)(const int8_t *from, size_t count) {
  int8_t lanes[16] = {0};
  for (size_t i = 0; i < count; i++) lanes[i] = from[i];
  return NAMED(load_i8)(lanes);
}

// Rows of K and V of one element type; `k_scales` and `v_scales` hold a factor for each row where
// the type needs one, else they are NULL.
#define DEFINE_ATTEND(element, type)                                                               \
  /* scores[r] = scale * dot(q, k row r) for `count` rows. */                                      \
  HELPER void NAMED(score_rows_##element)(const float *q, const type *k, size_t stride,            \
                                          size_t count, size_t dim, float scale, float *scores) {  \
    v16 sums[8];                                                                                   \
    const size_t whole = dim / 16 * 16;                                                            \
    UNROLL for (size_t i = 0; i < count; i++) {                                                    \
      const type *row = k + i * stride;                                                            \
      v16 sum = NAMED(splat)(0);                                                                   \
      for (size_t at = 0; at < whole; at += 16)                                                    \
        sum = NAMED(fma)(NAMED(load_##element)(row + at), NAMED(load)(q + at), sum);               \
      if (whole < dim)                                                                             \
        sum = NAMED(fma)(NAMED(load_part_##element)(row + whole, dim - whole),                     \
                         NAMED(load_part)(q + whole, dim - whole), sum);                           \
      sums[i] = sum;                                                                               \
    }                                                                                              \
    size_t i = 0;                                                                                  \
    UNROLL for (; i + 4 <= count; i += 4) {                                                        \
      v4 total = NAMED(sum4)(sums[i], sums[i + 1], sums[i + 2], sums[i + 3]);                      \
      total *= (v4){scale, scale, scale, scale};                                                   \
      memcpy(scores + i, &total, sizeof total);                                                    \
    }                                                                                              \
    UNROLL for (; i < count; i++) scores[i] = NAMED(sum)(sums[i]) * scale;                         \
  }                                                                                                \
                                                                                                   \
  /* out = sum of weights[r] * v row r over `vectors` whole vectors of columns. */                 \
  HELPER void NAMED(blend_##element)(const float *weights, const type *v, size_t stride,           \
                                     const float *scales, size_t rows, size_t vectors,             \
                                     float *out) {                                                 \
    v16 sums[8];                                                                                   \
    UNROLL for (size_t i = 0; i < vectors; i++) sums[i] = NAMED(splat)(0);                         \
    for (size_t r = 0; r < rows; r++) {                                                            \
      v16 weight = NAMED(splat)(scales ? weights[r] * scales[r] : weights[r]);                     \
      const type *row = v + r * stride;                                                            \
      UNROLL for (size_t i = 0; i < vectors; i++)                                                  \
        sums[i] = NAMED(fma)(weight, NAMED(load_##element)(row + 16 * i), sums[i]);                \
    }                                                                                              \
    UNROLL for (size_t i = 0; i < vectors; i++) NAMED(store)(out + 16 * i, sums[i]);               \
  }                                                                                                \
                                                                                                   \
  HELPER void NAMED(attend_body_##element)(                                                        \
      const float *q, const type *k, size_t k_stride, const float *k_scales, const type *v,        \
      size_t v_stride, const float *v_scales, const float *bias, size_t rows, size_t dim,          \
      float scale, float *weights, float *out) {                                                   \
    size_t r = 0;                                                                                  \
    if (LEVEL >= AVX512)                                                                           \
      for (; r + 8 <= rows; r += 8)                                                                \
        NAMED(score_rows_##element)(q, k + r * k_stride, k_stride, 8, dim, scale, weights + r);    \
    for (; r + 4 <= rows; r += 4)                                                                  \
      NAMED(score_rows_##element)(q, k + r * k_stride, k_stride, 4, dim, scale, weights + r);      \
    for (; r < rows; r++)                                                                          \
      NAMED(score_rows_##element)(q, k + r * k_stride, k_stride, 1, dim, scale, weights + r);      \
    if (k_scales)                                                                                  \
      for (r = 0; r < rows; r++) weights[r] *= k_scales[r];                                        \
    if (bias)                                                                                      \
      for (r = 0; r < rows; r++) weights[r] += bias[r];                                            \
    NAMED(softmax_body)(weights, rows);                                                            \
                                                                                                   \
    size_t at = 0;                                                                                 \
    if (LEVEL >= AVX512)                                                                           \
      for (; at + 128 <= dim; at += 128)                                                           \
        NAMED(blend_##element)(weights, v + at, v_stride, v_scales, rows, 8, out + at);            \
    for (; at + 64 <= dim; at += 64)                                                               \
      NAMED(blend_##element)(weights, v + at, v_stride, v_scales, rows, 4, out + at);              \
    for (; at + 32 <= dim; at += 32)                                                               \
      NAMED(blend_##element)(weights, v + at, v_stride, v_scales, rows, 2, out + at);              \
    for (; at + 16 <= dim; at += 16)                                                               \
      NAMED(blend_##element)(weights, v + at, v_stride, v_scales, rows, 1, out + at);              \
    if (at < dim) {                                                                                \
      const size_t part = dim - at;                                                                \
      v16 sums = NAMED(splat)(0);                                                                  \
      for (r = 0; r < rows; r++)                                                                   \
        sums = NAMED(fma)(NAMED(splat)(v_scales ? weights[r] * v_scales[r] : weights[r]),          \
                          NAMED(load_part_##element)(v + r * v_stride + at, part), sums);          \
      NAMED(store_part)(out + at, sums, part);                                                     \
    }                                                                                              \
  }

#define DEFINE_ATTEND_UNSCALED(element, type)                                                      \
  DEFINE_ATTEND(element, type)                                                                     \
  static void NAMED(attend_##element)(const float *q, const type *k, size_t k_stride,              \
                                      const type *v, size_t v_stride, const float *bias,           \
                                      size_t rows, size_t dim, float scale, float *weights,        \
                                      float *out) {                                                \
    NAMED(attend_body_##element)(q, k, k_stride, NULL, v, v_stride, NULL, bias, rows, dim, scale,  \
                                 weights, out);                                                    \
  }

DEFINE_ATTEND_UNSCALED(f32, float)
DEFINE_ATTEND_UNSCALED(bf16, uint16_t)
DEFINE_ATTEND_UNSCALED(f16, uint16_t)
DEFINE_ATTEND(i8, int8_t)

static void NAMED(attend_i8)(const float *q, const int8_t *k, size_t k_stride,
                             const float *k_scales, const int8_t *v, size_t v_stride,
                             const float *v_scales, const float *bias, size_t rows, size_t dim,
                             float scale, float *weights, float *out) {
  NAMED(attend_body_i8)(q, k, k_stride, k_scales, v, v_stride, v_scales, bias, rows, dim, scale,
                        weights, out);
}

#undef DEFINE_ATTEND
#undef DEFINE_ATTEND_UNSCALED

// MARK: - Element by element

static void NAMED(rms_norm)(const float *x, const float *weight, size_t n, float eps, float *out) {
  if (n == 0) return;
  const size_t whole = n & ~(size_t)15, part = n & 15;
  v16 sums = NAMED(splat)(0);
  for (size_t i = 0; i < whole; i += 16) {
    v16 a = NAMED(load)(x + i);
    sums = NAMED(fma)(a, a, sums);
  }
  if (part) {
    v16 a = NAMED(load_part)(x + whole, part);
    sums = NAMED(fma)(a, a, sums);
  }
  float scale = 1 / __builtin_elementwise_sqrt(NAMED(sum)(sums) / (float)n + eps);
  const v16 scales = NAMED(splat)(scale);
  for (size_t i = 0; i < whole; i += 16)
    NAMED(store)(out + i, NAMED(load)(x + i) * scales * NAMED(load)(weight + i));
  for (size_t i = whole; i < n; i++) out[i] = x[i] * scale * weight[i];
}

HELPER v16 NAMED(silu)(v16 a) { return a / (NAMED(exp)(-a) + NAMED(splat)(1)); }

static void NAMED(silu_mul)(float *gate, const float *up, size_t n) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    NAMED(store)(gate + i, NAMED(silu)(NAMED(load)(gate + i)) * NAMED(load)(up + i));
  if (i < n) {
    v16 result = NAMED(silu)(NAMED(load_part)(gate + i, n - i)) * NAMED(load_part)(up + i, n - i);
    NAMED(store_part)(gate + i, result, n - i);
  }
}

/// x sigmoid(2 u), which equals x / 2 (1 + tanh u), u = sqrt(2 / pi) (x + 0.044715 x^3).
HELPER v16 NAMED(gelu)(v16 a) {
  v16 inner = NAMED(fma)(a * a, NAMED(splat)(0.044715f), NAMED(splat)(1)) * a;
  v16 e = NAMED(exp)(inner * NAMED(splat)(-1.5957691216057308f));
  return a / (e + NAMED(splat)(1));
}

static void NAMED(gelu_tanh)(float *x, size_t n) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) NAMED(store)(x + i, NAMED(gelu)(NAMED(load)(x + i)));
  if (i < n) NAMED(store_part)(x + i, NAMED(gelu)(NAMED(load_part)(x + i, n - i)), n - i);
}

HELPER v16 NAMED(rotate)(v16 x, v16 cs) {
  v16 c = __builtin_shufflevector(cs, cs, 0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14, 14);
  v16 s = __builtin_shufflevector(cs, cs, 1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11, 11, 13, 13, 15, 15);
  v16 other = __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
  const v16 sign = {-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1};
  return NAMED(fma)(x, c, other * (s * sign));
}

static void NAMED(rotate_pairs)(float *x, const float *cos_sin, size_t pairs) {
  const size_t n = 2 * pairs;
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    NAMED(store)(x + i, NAMED(rotate)(NAMED(load)(x + i), NAMED(load)(cos_sin + i)));
  if (i < n) {
    v16 result = NAMED(rotate)(NAMED(load_part)(x + i, n - i), NAMED(load_part)(cos_sin + i, n - i));
    NAMED(store_part)(x + i, result, n - i);
  }
}

// MARK: - Reading memory

/// Two streams, each a half of the memory, with four sums: a single stream reads a tenth slower,
/// and software prefetch or more streams gain nothing.
static uint32_t NAMED(sum_u32)(const uint32_t *from, size_t count) {
  const size_t half = count / 128 * 64;
  u16 a = {0}, b = {0}, c = {0}, d = {0}, e = {0}, f = {0}, g = {0}, h = {0};
  for (size_t i = 0; i < half; i += 64) {
    const u16_memory *first = (const u16_memory *)(from + i);
    const u16_memory *second = (const u16_memory *)(from + half + i);
    a += first[0], b += first[1], c += first[2], d += first[3];
    e += second[0], f += second[1], g += second[2], h += second[3];
  }
  u16 lanes = a + b + c + d + e + f + g + h;
  uint32_t sum = 0;
  for (int i = 0; i < 16; i++) sum += lanes[i];
  for (size_t i = 2 * half; i < count; i++) sum += from[i];
  return sum;
}

#include "packed_body.h"
#include "bf12_body.h"
#include "rows_body.h"
#include "selection_body.h"
#include "distortion_body.h"

#include "convolution_body.h"

static const struct kernel_table NAMED(table) = {
    .name = LEVEL_NAME,
    .step_bf16 = NAMED(x_bytes_bf16),
    .step_i8 = I8_STEP,
    .linear_f32 = NAMED(linear_f32),
    .linear_bf16 = NAMED(linear_bf16),
    .linear_f16 = NAMED(linear_f16),
    .packed_f32 = NAMED(packed_f32),
    .packed_bf16 = NAMED(packed_bf16),
    .packed_bf12 = NAMED(packed_bf12),
    .packed_i8 = NAMED(packed_i8),
    .rows_bf16 = NAMED(rows_bf16),
    .rows_i8 = NAMED(rows_i8),
    .pack = NAMED(pack),
    .pack_bf12 = NAMED(pack_bf12),
    .attend_f32 = NAMED(attend_f32),
    .attend_bf16 = NAMED(attend_bf16),
    .attend_f16 = NAMED(attend_f16),
    .attend_i8 = NAMED(attend_i8),
    .rms_norm = NAMED(rms_norm),
    .silu_mul = NAMED(silu_mul),
    .gelu_tanh = NAMED(gelu_tanh),
    .softmax = NAMED(softmax),
    .exp = NAMED(exp_array),
    .rotate_pairs = NAMED(rotate_pairs),
    .scale_shift = NAMED(scale_shift),
    .moments = NAMED(moments),
    .winograd_weights = NAMED(winograd_weights),
    .winograd_input = NAMED(winograd_input),
    .winograd_output = NAMED(winograd_output),
    .sum_u32 = NAMED(sum_u32),
    .weigh_queries = NAMED(weigh_queries),
    .pool_errors = NAMED(pool_errors),
    .extent = NAMED(extent),
    .count_at_least = NAMED(count_at_least),
    .list_between = NAMED(list_between),
    .list_born = NAMED(list_born),
    .lowest_score = NAMED(lowest_score),
    .equal_score = NAMED(equal_score),
    .rows = {[HKV_F32] = ROW_KERNELS(f32),
             [HKV_BF16] = ROW_KERNELS(bf16),
             [HKV_F16] = ROW_KERNELS(f16),
             [HKV_I8] = ROW_KERNELS(i8)},
};

#undef ROW_KERNELS
#undef I8_STEP
#undef HELPER
#undef UNROLL
