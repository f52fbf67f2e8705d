// Cached rows in their element types, for the instruction set LEVEL; part of kernels_body.h.
//
// A row is `scale` times its elements; only bytes have another scale than 1.

// MARK: - Rounding

/// Lanes larger than `most` become `most`, with their sign; NaN stays.
HELPER v16 NAMED(saturate)(v16 x, float most) {
  const v16 high = NAMED(splat)(most), low = NAMED(splat)(-most);
  x = NAMED(select)(x > high, high, x);
  return NAMED(select)(x < low, low, x);
}

HELPER h16 NAMED(round_to_bf16)(v16 x) {
  x = NAMED(saturate)(x, 0x1.fep127f);
  return __builtin_convertvector(NAMED(round_bf16)(x) >> 16, h16);
}

HELPER h16 NAMED(round_to_f16)(v16 x) {
  x = NAMED(saturate)(x, 65504);
#if LEVEL >= AVX512
  return (h16)_mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT);
#elif LEVEL == AVX2
  typedef uint16_t h8 __attribute__((vector_size(16)));
  v8 low = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7);
  v8 high = __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
  h8 a = (h8)_mm256_cvtps_ph((__m256)low, _MM_FROUND_TO_NEAREST_INT);
  h8 b = (h8)_mm256_cvtps_ph((__m256)high, _MM_FROUND_TO_NEAREST_INT);
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#else
  u16 bits = (u16)x, size = bits & 0x7fffffffu;
  // The last place of a number next to 0.5 is that of a subnormal half.
  u16 small = (u16)((v16)size + NAMED(splat)(0.5f)) - 0x3f000000u;
  u16 large = (size - 0x38000000u + 0xfffu + ((size >> 13) & 1u)) >> 13;
  u16 isSmall = (u16)(size < 0x38800000u), isNaN = (u16)(size > 0x7f800000u);
  u16 half = (isSmall & small) | (~isSmall & large);
  half = (isNaN & (((size >> 13) & 0x1ffu) | 0x7e00u)) | (~isNaN & half);
  return __builtin_convertvector(half | ((bits >> 16) & 0x8000u), h16);
#endif
}

HELPER void NAMED(store_some_u16)(uint16_t *to, h16 value, size_t count) {
  if (count >= 16) {
    *(h16_memory *)to = value;
  } else {
#if LEVEL >= AVX512
    _mm256_mask_storeu_epi16(to, (__mmask16)((1u << count) - 1), (__m256i)value);
#else
    for (size_t i = 0; i < count; i++) to[i] = value[i];
#endif
  }
}

HELPER void NAMED(store_some_f32)(float *to, v16 value, size_t count) {
  if (count >= 16)
    NAMED(store)(to, value);
  else
    NAMED(store_part)(to, value, count);
}

HELPER void NAMED(store_some_bf16)(uint16_t *to, v16 value, size_t count) {
  NAMED(store_some_u16)(to, NAMED(round_to_bf16)(value), count);
}

HELPER void NAMED(store_some_f16)(uint16_t *to, v16 value, size_t count) {
  NAMED(store_some_u16)(to, NAMED(round_to_f16)(value), count);
}

/// What the bytes of a row are found from: the largest element by size, up to 2^127 so that 127
/// scales don't overflow, and NaN if there is one.
struct NAMED(extent) {
  v16 most, none;
};

HELPER void NAMED(extend)(struct NAMED(extent) *extent, v16 x) {
  v16 size = (v16)((u16)NAMED(saturate)(x, 0x1p127f) & 0x7fffffffu);
  extent->most = NAMED(select)(size > extent->most, size, extent->most);
  extent->none += size - size;
}

/// The scale of the row; `inverse` is what its elements are multiplied with.
HELPER float NAMED(byte_scale)(struct NAMED(extent) extent, float *inverse) {
  float most = NAMED(largest)(extent.most);
  // Below this the inverse might overflow: the row counts as zeros.
  if (most < 0x1p-100f) most = 0;
  *inverse = most > 0 ? 127 / most : 0;
  return most / 127 + NAMED(sum)(extent.none);
}

HELPER void NAMED(store_some_i8)(int8_t *to, v16 value, float inverse, size_t count) {
  const v16 magic = NAMED(splat)(12582912.0f);
  // The low bits of the sum are the rounded number.
  v16 scaled = NAMED(saturate)(value, 0x1p127f) * NAMED(splat)(inverse);
  i16 whole = (i16)(scaled + magic) - (i16)magic;
  c16 bytes = __builtin_convertvector(whole, c16);
  memcpy(to, &bytes, count >= 16 ? 16 : count);
}

// MARK: - Rows of each element type

#define DEFINE_ROWS(element, type)                                                                 \
  HELPER v16 NAMED(load_some_##element)(const type *from, float scale, size_t count) {             \
    v16 a = count >= 16 ? NAMED(load_##element)(from) : NAMED(load_part_##element)(from, count);   \
    return a * NAMED(splat)(scale);                                                                \
  }                                                                                                \
                                                                                                   \
  static void NAMED(widen_row_##element)(const void *x, float scale, size_t n, float *out) {       \
    const type *from = x;                                                                          \
    for (size_t at = 0; at < n; at += 16)                                                          \
      NAMED(store_some_f32)(out + at, NAMED(load_some_##element)(from + at, scale, n - at),        \
                            n - at);                                                               \
  }                                                                                                \
                                                                                                   \
  static float NAMED(dot_rows_##element)(const void *x, const void *y, size_t n) {                 \
    const type *a = x, *b = y;                                                                     \
    v16 sum = NAMED(splat)(0);                                                                     \
    for (size_t at = 0; at < n; at += 16)                                                          \
      sum = NAMED(fma)(NAMED(load_some_##element)(a + at, 1, n - at),                              \
                       NAMED(load_some_##element)(b + at, 1, n - at), sum);                        \
    return NAMED(sum)(sum);                                                                        \
  }                                                                                                \
                                                                                                   \
  HELPER float NAMED(squared_distance_##element)(const type *x, float x_scale, const type *y,      \
                                                 float y_scale, size_t n) {                        \
    v16 sum = NAMED(splat)(0);                                                                     \
    size_t at = 0;                                                                                 \
    for (; at + 16 <= n; at += 16) {                                                               \
      v16 difference = NAMED(load_some_##element)(x + at, x_scale, 16) -                           \
                       NAMED(load_some_##element)(y + at, y_scale, 16);                            \
      sum = NAMED(fma)(difference, difference, sum);                                               \
    }                                                                                              \
    if (at < n) {                                                                                  \
      v16 difference = NAMED(load_part_##element)(x + at, n - at) * NAMED(splat)(x_scale) -        \
                       NAMED(load_part_##element)(y + at, n - at) * NAMED(splat)(y_scale);         \
      sum = NAMED(fma)(difference, difference, sum);                                               \
    }                                                                                              \
    return NAMED(sum)(sum);                                                                        \
  }                                                                                                \
                                                                                                   \
  HELPER void NAMED(merge_costs_body_##element)(                                                   \
      const type *k, const float *k_scales, const type *v, const float *v_scales, size_t stride,   \
      const float *bias, const int32_t *births, int32_t before, size_t row, size_t first,          \
      size_t rows, size_t dim, float *costs) {                                                     \
    for (size_t i = 0; i < rows; i++) costs[i] = i < first ? 0 : bias[i];                          \
    NAMED(exp_array)(costs, rows);                                                                 \
    const float count = costs[row];                                                                \
    for (size_t i = first; i < rows; i++) {                                                        \
      if (i == row || births[i] >= before) {                                                       \
        costs[i] = __builtin_inff();                                                               \
        continue;                                                                                  \
      }                                                                                            \
      float share = count * costs[i] / (count + costs[i]);                                         \
      costs[i] = share * share *                                                                   \
                 NAMED(squared_distance_##element)(                                                \
                     k + row * stride, k_scales ? k_scales[row] : 1, k + i * stride,               \
                     k_scales ? k_scales[i] : 1, dim) *                                            \
                 NAMED(squared_distance_##element)(                                                \
                     v + row * stride, v_scales ? v_scales[row] : 1, v + i * stride,               \
                     v_scales ? v_scales[i] : 1, dim);                                             \
    }                                                                                              \
    for (size_t i = 0; i < first; i++) costs[i] = __builtin_inff();                                \
  }                                                                                                \
                                                                                                   \
  /* The first `count` (or 16) elements of a row that is moved by `share` towards another. */      \
  HELPER v16 NAMED(mix_##element)(const type *into, float into_scale, const type *from,            \
                                  float from_scale, float share, size_t count) {                   \
    v16 a = NAMED(load_some_##element)(into, into_scale, count);                                   \
    v16 b = NAMED(load_some_##element)(from, from_scale, count);                                   \
    return a + NAMED(splat)(share) * (b - a);                                                      \
  }

#define DEFINE_UNSCALED_ROWS(element, type)                                                        \
  DEFINE_ROWS(element, type)                                                                       \
  static float NAMED(narrow_row_##element)(const float *x, size_t n, void *out) {                  \
    type *to = out;                                                                                \
    for (size_t at = 0; at < n; at += 16)                                                          \
      NAMED(store_some_##element)(to + at, NAMED(load_some)(x + at, n - at), n - at);              \
    return 1;                                                                                      \
  }                                                                                                \
                                                                                                   \
  static float NAMED(merge_rows_##element)(void *into, float into_scale, const void *from,         \
                                           float from_scale, float share, size_t n) {              \
    type *to = into;                                                                               \
    const type *source = from;                                                                     \
    for (size_t at = 0; at < n; at += 16)                                                          \
      NAMED(store_some_##element)(                                                                 \
          to + at, NAMED(mix_##element)(to + at, 1, source + at, 1, share, n - at), n - at);       \
    return 1;                                                                                      \
  }                                                                                                \
                                                                                                   \
  static void NAMED(merge_costs_##element)(                                                        \
      const void *k, const float *k_scales, const void *v, const float *v_scales, size_t stride,   \
      const float *bias, const int32_t *births, int32_t before, size_t row, size_t first,          \
      size_t rows, size_t dim, float *costs) {                                                     \
    NAMED(merge_costs_body_##element)(k, NULL, v, NULL, stride, bias, births, before, row, first,  \
                                      rows, dim, costs);                                           \
  }

DEFINE_UNSCALED_ROWS(f32, float)
DEFINE_UNSCALED_ROWS(bf16, uint16_t)
DEFINE_UNSCALED_ROWS(f16, uint16_t)
DEFINE_ROWS(i8, int8_t)

#undef DEFINE_UNSCALED_ROWS
#undef DEFINE_ROWS

static float NAMED(narrow_row_i8)(const float *x, size_t n, void *out) {
  int8_t *to = out;
  struct NAMED(extent) extent = {NAMED(splat)(0), NAMED(splat)(0)};
  for (size_t at = 0; at < n; at += 16) NAMED(extend)(&extent, NAMED(load_some)(x + at, n - at));
  float inverse;
  const float scale = NAMED(byte_scale)(extent, &inverse);
  for (size_t at = 0; at < n; at += 16)
    NAMED(store_some_i8)(to + at, NAMED(load_some)(x + at, n - at), inverse, n - at);
  return scale;
}

static float NAMED(merge_rows_i8)(void *into, float into_scale, const void *from, float from_scale,
                                  float share, size_t n) {
  int8_t *to = into;
  const int8_t *source = from;
  struct NAMED(extent) extent = {NAMED(splat)(0), NAMED(splat)(0)};
  for (size_t at = 0; at < n; at += 16)
    NAMED(extend)(&extent, NAMED(mix_i8)(to + at, into_scale, source + at, from_scale, share,
                                         n - at));
  float inverse;
  const float scale = NAMED(byte_scale)(extent, &inverse);
  for (size_t at = 0; at < n; at += 16)
    NAMED(store_some_i8)(
        to + at, NAMED(mix_i8)(to + at, into_scale, source + at, from_scale, share, n - at),
        inverse, n - at);
  return scale;
}

static void NAMED(merge_costs_i8)(const void *k, const float *k_scales, const void *v,
                                  const float *v_scales, size_t stride, const float *bias,
                                  const int32_t *births, int32_t before, size_t row, size_t first,
                                  size_t rows, size_t dim, float *costs) {
  NAMED(merge_costs_body_i8)(k, k_scales, v, v_scales, stride, bias, births, before, row, first,
                             rows, dim, costs);
}

#define ROW_KERNELS(element)                                                                       \
  {                                                                                                \
    NAMED(narrow_row_##element), NAMED(widen_row_##element), NAMED(dot_rows_##element),            \
        NAMED(merge_rows_##element), NAMED(merge_costs_##element)                                  \
  }
