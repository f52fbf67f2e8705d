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

// MARK: - Which rows take part

static const i16 NAMED(lanes) = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

HELPER v4 NAMED(fourth)(v16 a, int part) {
  switch (part) {
    case 0: return __builtin_shufflevector(a, a, 0, 1, 2, 3);
    case 1: return __builtin_shufflevector(a, a, 4, 5, 6, 7);
    case 2: return __builtin_shufflevector(a, a, 8, 9, 10, 11);
    default: return __builtin_shufflevector(a, a, 12, 13, 14, 15);
  }
}

/// Up to 16 numbers, the rest of the lanes `fill`.
HELPER v16 NAMED(load_filled)(const float *from, size_t count, float fill) {
  if (count >= 16) return NAMED(load)(from);
  const i16 inside = NAMED(lanes) < (int32_t)count;
  return NAMED(select)(inside, NAMED(load_part)(from, count), NAMED(splat)(fill));
}

#if LEVEL >= AVX512
/// Lists the places from `at` on that are set in `takes`; returns how many.
HELPER size_t NAMED(list_lanes)(int32_t *list, __mmask16 takes, size_t at) {
  const unsigned count = (unsigned)__builtin_popcount(takes);
  const __m512i places = (__m512i)(NAMED(lanes) + (int32_t)at);
  _mm512_mask_storeu_epi32(list, (__mmask16)((1u << count) - 1),
                           _mm512_maskz_compress_epi32(takes, places));
  return count;
}
#endif

/// Lists the rows from `first` on, other than `row`, that were born in [from, before).
static size_t NAMED(list_born)(const int32_t *births, int32_t from, int32_t before, size_t row,
                               size_t first, size_t rows, int32_t *list) {
  size_t listed = 0;
#if LEVEL >= AVX512
  const __m512i earliest = _mm512_set1_epi32(from), end = _mm512_set1_epi32(before);
  const __m512i self = _mm512_set1_epi32((int32_t)row);
  for (size_t at = first; at < rows; at += 16) {
    const __mmask16 inside = rows - at >= 16 ? 0xffff : (__mmask16)((1u << (rows - at)) - 1);
    const __m512i born = _mm512_maskz_loadu_epi32(inside, births + at);
    const __m512i places = (__m512i)(NAMED(lanes) + (int32_t)at);
    const __mmask16 takes = _mm512_mask_cmpge_epi32_mask(inside, born, earliest) &
                            _mm512_cmplt_epi32_mask(born, end) &
                            _mm512_cmpneq_epi32_mask(places, self);
    listed += NAMED(list_lanes)(list + listed, takes, at);
  }
#else
  for (size_t i = first; i < rows; i++) {
    // Never beyond the end: no more are listed than have been looked at.
    list[listed] = (int32_t)i;
    listed += (births[i] >= from) & (births[i] < before) & (i != row);
  }
#endif
  return listed;
}

/// Numbers at up to 16 places, zeros in the lanes from `count` on.
HELPER v16 NAMED(gather)(const float *from, const int32_t *places, size_t count) {
#if LEVEL >= AVX512
  const __mmask16 inside = count >= 16 ? 0xffff : (__mmask16)((1u << count) - 1);
  const __m512i at = _mm512_maskz_loadu_epi32(inside, places);
  return (v16)_mm512_mask_i32gather_ps(_mm512_setzero_ps(), inside, at, from, 4);
#else
  float lanes[16] = {0};
  for (size_t i = 0; i < count && i < 16; i++) lanes[i] = from[places[i]];
  return NAMED(load)(lanes);
#endif
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
  /* Squared distances of a row from four others: one pass over it, and one addition of lanes. */  \
  HELPER v4 NAMED(squared_distances_##element)(const type *x, const float *x_scales, size_t stride,\
                                               size_t row, const int32_t *others, size_t n) {      \
    const type *a = x + row * stride, *b[4];                                                       \
    float scale = x_scales ? x_scales[row] : 1, scales[4];                                         \
    v16 sums[4];                                                                                   \
    const size_t whole = n / 16 * 16;                                                              \
    UNROLL for (int j = 0; j < 4; j++) {                                                           \
      b[j] = x + (size_t)others[j] * stride;                                                       \
      scales[j] = x_scales ? x_scales[others[j]] : 1;                                              \
      sums[j] = NAMED(splat)(0);                                                                   \
    }                                                                                              \
    for (size_t at = 0; at < whole; at += 16) {                                                    \
      v16 from = NAMED(load_some_##element)(a + at, scale, 16);                                    \
      UNROLL for (int j = 0; j < 4; j++) {                                                         \
        v16 difference = from - NAMED(load_some_##element)(b[j] + at, scales[j], 16);              \
        sums[j] = NAMED(fma)(difference, difference, sums[j]);                                     \
      }                                                                                            \
    }                                                                                              \
    if (whole < n) {                                                                               \
      v16 from = NAMED(load_some_##element)(a + whole, scale, n - whole);                          \
      UNROLL for (int j = 0; j < 4; j++) {                                                         \
        v16 difference = from - NAMED(load_some_##element)(b[j] + whole, scales[j], n - whole);    \
        sums[j] = NAMED(fma)(difference, difference, sums[j]);                                     \
      }                                                                                            \
    }                                                                                              \
    return NAMED(sum4)(sums[0], sums[1], sums[2], sums[3]);                                        \
  }                                                                                                \
                                                                                                   \
  HELPER void NAMED(merge_costs_body_##element)(                                                   \
      const type *k, const float *k_scales, const type *v, const float *v_scales, size_t stride,   \
      const float *bias, size_t row, const int32_t *list, size_t listed, size_t dim,               \
      const float *added, float *costs) {                                                          \
    const v16 count = NAMED(exp)(NAMED(splat)(bias[row]));                                         \
    for (size_t at = 0; at < listed; at += 16) {                                                   \
      const v16 others = NAMED(exp)(NAMED(gather)(bias, list + at, listed - at));                  \
      const v16 shares = count * others / (count + others);                                        \
      const v16 squares = shares * shares;                                                         \
      const v4 factors[4] = {NAMED(fourth)(squares, 0), NAMED(fourth)(squares, 1),                 \
                             NAMED(fourth)(squares, 2), NAMED(fourth)(squares, 3)};                \
      UNROLL for (size_t part = 0; part < 4; part++) {                                             \
        const size_t j = at + 4 * part;                                                            \
        if (j >= listed) break;                                                                    \
        const size_t left = listed - j;                                                            \
        /* The last few are four with the first of them. */                                        \
        const int32_t four[4] = {list[j], list[left > 1 ? j + 1 : j], list[left > 2 ? j + 2 : j],  \
                                 list[left > 3 ? j + 3 : j]};                                      \
        v4 cost =                                                                                  \
            factors[part] *                                                                        \
            NAMED(squared_distances_##element)(k, k_scales, stride, row, four, dim) *              \
            NAMED(squared_distances_##element)(v, v_scales, stride, row, four, dim);               \
        const size_t bytes = 4 * (left < 4 ? left : 4);                                            \
        if (added) {                                                                               \
          v4 others = {0, 0, 0, 0};                                                                \
          memcpy(&others, added + j, bytes);                                                       \
          cost += others;                                                                          \
        }                                                                                          \
        memcpy(costs + j, &cost, bytes);                                                           \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
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
      const float *bias, size_t row, const int32_t *list, size_t listed, size_t dim,               \
      const float *added, float *costs) {                                                          \
    NAMED(merge_costs_body_##element)(k, NULL, v, NULL, stride, bias, row, list, listed, dim,      \
                                      added, costs);                                               \
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
                                  size_t row, const int32_t *list, size_t listed, size_t dim,
                                  const float *added, float *costs) {
  NAMED(merge_costs_body_i8)(k, k_scales, v, v_scales, stride, bias, row, list, listed, dim, added,
                             costs);
}

#define ROW_KERNELS(element)                                                                       \
  {                                                                                                \
    NAMED(narrow_row_##element), NAMED(widen_row_##element), NAMED(dot_rows_##element),            \
        NAMED(merge_rows_##element), NAMED(merge_costs_##element)                                  \
  }

// MARK: - The lowest of some numbers

/// Sixteen running minima and where they were first found.
struct NAMED(minimum) {
  v16 least;
  i16 place;
};

HELPER void NAMED(take)(struct NAMED(minimum) *minimum, v16 values, i16 places) {
  const i16 lower = values < minimum->least;
  minimum->least = NAMED(select)(lower, values, minimum->least);
  minimum->place = (lower & places) | (~lower & minimum->place);
}

/// The least of 16 numbers.
HELPER float NAMED(least_of)(v16 a) {
  v8 x = __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7);
  v8 y = __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15);
  x = __builtin_elementwise_min(x, y);
  v4 u = __builtin_shufflevector(x, x, 0, 1, 2, 3);
  v4 w = __builtin_shufflevector(x, x, 4, 5, 6, 7);
  u = __builtin_elementwise_min(u, w);
  const float even = u[0] < u[1] ? u[0] : u[1], odd = u[2] < u[3] ? u[2] : u[3];
  return even < odd ? even : odd;
}

/// The place of the least number, the first of equal ones; `none` if all are infinite.
HELPER size_t NAMED(place_of)(struct NAMED(minimum) minimum, size_t none) {
  const float least = NAMED(least_of)(minimum.least);
  if (!(least < __builtin_inff())) return none;
  // Places as numbers: they are small enough to be exact.
  const i16 equal = minimum.least == NAMED(splat)(least);
  const v16 places = __builtin_convertvector(minimum.place, v16);
  return (size_t)NAMED(least_of)(NAMED(select)(equal, places, NAMED(splat)(0x1p30f)));
}

static size_t NAMED(lowest_score)(const float *scores, const int32_t *births, int32_t before,
                                  size_t first, size_t rows) {
  const v16 infinite = NAMED(splat)(__builtin_inff());
  struct NAMED(minimum) minimum = {infinite, NAMED(lanes)};
  for (size_t at = first; at < rows; at += 16) {
    const v16 score = NAMED(load_filled)(scores + at, rows - at, __builtin_inff());
    // Lanes past the end have infinite scores, whatever their births.
    const i16 birth = (i16)NAMED(load_filled)((const float *)(births + at), rows - at, 0);
    NAMED(take)(&minimum, NAMED(select)(birth < before, score, infinite),
                NAMED(lanes) + (int32_t)at);
  }
  return NAMED(place_of)(minimum, rows);
}

static size_t NAMED(equal_score)(const float *scores, const int32_t *births, int32_t before,
                                 size_t first, size_t rows, float score) {
  // Places as numbers: they are small enough to be exact.
  const v16 none = NAMED(splat)(0x1p30f);
  v16 place = none;
  for (size_t at = first; at < rows; at += 16) {
    const v16 found = NAMED(load_filled)(scores + at, rows - at, __builtin_inff());
    const i16 birth = (i16)NAMED(load_filled)((const float *)(births + at), rows - at, 0);
    const v16 here = __builtin_convertvector(NAMED(lanes) + (int32_t)at, v16);
    const v16 equal = NAMED(select)((found == NAMED(splat)(score)) & (birth < before), here, none);
    place = NAMED(select)(equal < place, equal, place);
  }
  const size_t least = (size_t)NAMED(least_of)(place);
  return least < rows ? least : rows;
}
