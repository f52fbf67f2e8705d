// Packed weights times few rows, for the instruction set LEVEL; part of kernels_body.h.
//
// A panel holds 64 columns (outputs), the last one as many vectors of 16 as are left:
// [k step][vectors][16 columns][elements of a step], one 32-bit lane for the elements of a step:
// one f32, two bf16 or four bytes. Every element of y is one chain of additions over k in order,
// so neither tiles nor the number of rows change a bit of it.

#if LEVEL >= AVX512
// 32 registers of 16 lanes: 24 sums, 4 vectors of weights, the broadcasts.
#define TILE_VECTORS 4
#define TILE_ROWS 6
#define TILE_ROWS_BF16 (LEVEL == AVX512BF16 ? 6 : 4)
#define TILE_ROWS_I8 3
#elif LEVEL == AVX2
// 16 registers of 8 lanes: one row along the panel, or several of one vector.
#define TILE_ROWS 6
#define TILE_ROWS_BF16 4
#define TILE_ROWS_I8 4
#else
#define TILE_VECTORS 1
#define TILE_ROWS 2
#define TILE_ROWS_BF16 2
#define TILE_ROWS_I8 1
#endif

/// What a tile reads ahead while it computes: two lines a k step, `second` apart, which may be one
/// and the same. No branch, which would hold registers.
struct NAMED(ahead) {
  const char *from;
  size_t second, stride;
};

/// A tile: some rows of x by up to four vectors of columns, `bytes` from one k step to the next.
struct NAMED(tile) {
  size_t steps, segments;
  const char *panel;
  size_t bytes, columns;
  const char *row;
  size_t stride, segment_stride;
  float *y;
  size_t ldy;
  const float *add, *terms;
  /// Where bf12 keeps the weights as packed bfloat16, unless NULL.
  char *kept;
  struct NAMED(ahead) ahead;
};

HELPER float NAMED(float_at)(const char *from) {
  float value;
  memcpy(&value, from, sizeof value);
  return value;
}

HELPER int32_t NAMED(int_at)(const char *from) {
  int32_t value;
  memcpy(&value, from, sizeof value);
  return value;
}

HELPER v16 NAMED(load_lanes)(const char *from) { return *(const v16_memory *)(const void *)from; }

/// What a call fetches of the steps of the next panel, each of `lines` lines, if it is one of several
/// on a panel; the first of many waits for memory itself. Else a line at `near`, which is read anyway.
HELPER struct NAMED(ahead) NAMED(share_ahead)(const char *next, size_t steps, size_t lines,
                                              size_t call, size_t calls, const char *near) {
  const size_t idle = calls > lines;
  const size_t each = calls < 2 ? 0 : (lines + calls - idle - 1) / (calls - idle);
  const size_t done = (call - idle) * each;
  if (!next || call < idle || done >= lines || each == 0) return (struct NAMED(ahead)){near, 0, 0};
  const size_t share = lines - done < each ? lines - done : each;
  return (struct NAMED(ahead)){next + 64 * steps * done, 64 * (share - 1), 64 * share};
}

HELPER void NAMED(read_ahead)(struct NAMED(ahead) *ahead) {
  __builtin_prefetch(ahead->from, 0, 2);
  __builtin_prefetch(ahead->from + ahead->second, 0, 2);
  ahead->from += ahead->stride;
}

// MARK: - One k step of a tile

#define DEFINE_STEP(element, x_bytes, ...)                                                         \
  HELPER void NAMED(add_##element)(const v16 lanes[4], size_t nv, const char *x, size_t ldx,       \
                                   size_t mt, v16 sums[4][6]) {                                    \
    UNROLL for (size_t j = 0; j < mt; j++) {                                                       \
      const char *row = x + j * ldx;                                                               \
      __VA_ARGS__                                                                                  \
    }                                                                                              \
  }                                                                                                \
  HELPER void NAMED(step_##element)(const char *w, size_t nv, const char *x, size_t ldx,           \
                                    size_t mt, v16 sums[4][6]) {                                   \
    v16 lanes[4];                                                                                  \
    UNROLL for (size_t v = 0; v < nv; v++) lanes[v] = NAMED(load_lanes)(w + 64 * v);               \
    NAMED(add_##element)(lanes, nv, x, ldx, mt, sums);                                             \
  }                                                                                                \
  enum { NAMED(x_bytes_##element) = x_bytes };

DEFINE_STEP(f32, 4, {
  v16 a = NAMED(splat)(NAMED(float_at)(row));
  UNROLL for (size_t v = 0; v < nv; v++) sums[v][j] = NAMED(fma)(lanes[v], a, sums[v][j]);
})

#if LEVEL == AVX512BF16
DEFINE_STEP(bf16, 4, {
  __m512i a = _mm512_set1_epi32(NAMED(int_at)(row));
  UNROLL for (size_t v = 0; v < nv; v++)
    sums[v][j] = (v16)_mm512_dpbf16_ps((__m512)sums[v][j], (__m512bh)lanes[v], (__m512bh)a);
})
#else
// First all low halves, then all high ones: both at once, widened, are more than there are registers.
DEFINE_STEP(bf16, 8, {
  v16 a = NAMED(splat)(NAMED(float_at)(row));
  UNROLL for (size_t v = 0; v < nv; v++)
    sums[v][j] = NAMED(fma)((v16)((u16)lanes[v] << 16), a, sums[v][j]);
  if (j + 1 < mt) continue;
  UNROLL for (size_t i = 0; i < mt; i++) {
    v16 b = NAMED(splat)(NAMED(float_at)(x + i * ldx + 4));
    UNROLL for (size_t v = 0; v < nv; v++)
      sums[v][i] = NAMED(fma)((v16)((u16)lanes[v] & 0xffff0000u), b, sums[v][i]);
  }
})
#endif

// MARK: - Tiles

/// y = sums (+ bias) (+ add) for `mt` rows of `columns` columns, which `nv` vectors hold.
HELPER void NAMED(finish_packed)(v16 sums[4][6], size_t nv, size_t mt, size_t columns, float *y,
                                 size_t ldy, const float *add, const float *bias) {
  if (columns < 16 * nv) {
    // Unrolled, like all that indexes the sums, or they would live in memory.
    float whole[64];
    UNROLL for (size_t j = 0; j < mt; j++) {
      UNROLL for (size_t v = 0; v < nv; v++) NAMED(store)(whole + 16 * v, sums[v][j]);
      _Pragma("clang loop unroll(disable) vectorize(disable)") for (size_t i = 0; i < columns; i++) {
        float total = bias ? whole[i] + bias[i] : whole[i];
        y[j * ldy + i] = add ? total + add[j * ldy + i] : total;
      }
    }
    return;
  }
  UNROLL for (size_t j = 0; j < mt; j++) {
    UNROLL for (size_t v = 0; v < nv; v++) {
      size_t at = j * ldy + 16 * v;
      v16 total = sums[v][j];
      if (bias) total += NAMED(load)(bias + 16 * v);
      if (add) total += NAMED(load)(add + at);
      NAMED(store)(y + at, total);
    }
  }
}

#define DEFINE_PACKED_TILE(element)                                                                \
  HELPER void NAMED(packed_tile_##element)(const struct NAMED(tile) *tile, size_t nv, size_t mt) { \
    v16 sums[4][6];                                                                                \
    UNROLL for (size_t v = 0; v < nv; v++)                                                         \
      UNROLL for (size_t j = 0; j < mt; j++) sums[v][j] = NAMED(splat)(0);                         \
    const char *panel = tile->panel, *row = tile->row;                                             \
    const size_t bytes = tile->bytes, stride = tile->stride, steps = tile->steps;                  \
    struct NAMED(ahead) ahead = tile->ahead;                                                       \
    for (size_t s = 0; s < tile->segments; s++, row += tile->segment_stride) {                     \
      const char *at = row;                                                                        \
      for (size_t k = 0; k < steps; k++, panel += bytes, at += NAMED(x_bytes_##element)) {         \
        NAMED(step_##element)(panel, nv, at, stride, mt, sums);                                    \
        NAMED(read_ahead)(&ahead);                                                                 \
      }                                                                                            \
    }                                                                                              \
    NAMED(finish_packed)(sums, nv, mt, tile->columns, tile->y, tile->ldy, tile->add, tile->terms); \
  }

DEFINE_PACKED_TILE(f32)
DEFINE_PACKED_TILE(bf16)

// Whole numbers of a group: in the portable form f32, which are exact as long.
#if LEVEL == PORTABLE
typedef v16 NAMED(whole);
#else
typedef i16 NAMED(whole);
#endif

HELPER NAMED(whole) NAMED(whole_at)(const char *from) {
#if LEVEL == PORTABLE
  return NAMED(splat)(NAMED(float_at)(from));
#else
  return (i16){0} + NAMED(int_at)(from);
#endif
}

HELPER v16 NAMED(whole_float)(NAMED(whole) sum) {
#if LEVEL == PORTABLE
  return sum;
#elif LEVEL >= AVX512
  return (v16)_mm512_cvtepi32_ps((__m512i)sum);
#else
  return __builtin_convertvector(sum, v16);
#endif
}

#if LEVEL == AVX2 || LEVEL == AVX512
/// sum + products of pairs of 16-bit numbers; `pair` is the same for all lanes.
HELPER i16 NAMED(add_pairs)(i16 sum, u16 weights, int32_t pair) {
#if LEVEL == AVX512
  return sum + (i16)_mm512_madd_epi16((__m512i)weights, _mm512_set1_epi32(pair));
#else
  __m256i halves[2];
  memcpy(halves, &weights, 64);
  UNROLL for (size_t i = 0; i < 2; i++)
    halves[i] = _mm256_madd_epi16(halves[i], _mm256_set1_epi32(pair));
  i16 products;
  memcpy(&products, halves, 64);
  return sum + products;
#endif
}
#endif

/// Bytes of a k step of a row.
#if LEVEL >= AVX512VNNI
#define I8_STEP 4
#elif LEVEL >= AVX2
#define I8_STEP 8
#else
#define I8_STEP 16
#endif

/// One k step: four bytes of weight plus 128 in each lane.
HELPER void NAMED(step_i8)(const char *w, size_t nv, const char *x, size_t ldx, size_t mt,
                           NAMED(whole) whole[4][6]) {
#if LEVEL >= AVX512VNNI
  UNROLL for (size_t j = 0; j < mt; j++) {
    __m512i a = _mm512_set1_epi32(NAMED(int_at)(x + j * ldx));
    UNROLL for (size_t v = 0; v < nv; v++)
      whole[v][j] = (i16)_mm512_dpbusd_epi32(
          (__m512i)whole[v][j], (__m512i)NAMED(load_lanes)(w + 64 * v), a);
  }
#elif LEVEL >= AVX2
  // Bytes 0 and 2 of each lane, then 1 and 3.
  UNROLL for (size_t odd = 0; odd < 2; odd++)
    UNROLL for (size_t v = 0; v < nv; v++) {
      u16 pairs = ((u16)NAMED(load_lanes)(w + 64 * v) >> (8 * odd)) & 0x00ff00ffu;
      UNROLL for (size_t j = 0; j < mt; j++)
        whole[v][j] =
            NAMED(add_pairs)(whole[v][j], pairs, NAMED(int_at)(x + j * ldx + 4 * odd));
    }
#else
  UNROLL for (size_t v = 0; v < nv; v++) {
    i16 lanes = (i16)NAMED(load_lanes)(w + 64 * v);
    UNROLL for (size_t part = 0; part < 4; part++) {
      v16 weight = __builtin_convertvector((lanes >> (int)(8 * part)) & 255, v16);
      UNROLL for (size_t j = 0; j < mt; j++)
        whole[v][j] = NAMED(fma)(
            weight, NAMED(splat)(NAMED(float_at)(x + j * ldx + 4 * part)), whole[v][j]);
    }
  }
#endif
}

/// Sums of a group are whole numbers below 2^24, exact in i32 and in f32 alike; the rows of x hold
/// the numbers, then {scale, -128 * sum} of each group.
HELPER void NAMED(packed_tile_i8)(const struct NAMED(tile) *tile, size_t nv, size_t mt) {
  const char *panel = tile->panel, *row = tile->row;
  const size_t bytes = tile->bytes, stride = tile->stride, groups = tile->steps / 16;
  const float *scales = tile->terms;
  struct NAMED(ahead) ahead = tile->ahead;
  v16 sums[4][6];
  UNROLL for (size_t v = 0; v < nv; v++)
    UNROLL for (size_t j = 0; j < mt; j++) sums[v][j] = NAMED(splat)(0);
  const char *terms = row + 16 * I8_STEP * groups;
  for (size_t g = 0; g < groups; g++, terms += 8) {
    NAMED(whole) whole[4][6];
    UNROLL for (size_t j = 0; j < mt; j++) {
      NAMED(whole) start = NAMED(whole_at)(terms + j * stride + 4);
      UNROLL for (size_t v = 0; v < nv; v++) whole[v][j] = start;
    }
    for (size_t k = 0; k < 16; k++, panel += bytes, row += I8_STEP) {
      NAMED(step_i8)(panel, nv, row, stride, mt, whole);
      NAMED(read_ahead)(&ahead);
    }
    UNROLL for (size_t j = 0; j < mt; j++) {
      v16 scale = NAMED(splat)(NAMED(float_at)(terms + j * stride));
      UNROLL for (size_t v = 0; v < nv; v++)
        sums[v][j] = NAMED(fma)(NAMED(whole_float)(whole[v][j]), scale, sums[v][j]);
    }
  }
  const size_t columns = tile->columns;
  UNROLL for (size_t v = 0; v < nv; v++) {
    size_t part = columns - 16 * v;
    v16 scale =
        part >= 16 ? NAMED(load)(scales + 16 * v) : NAMED(load_part)(scales + 16 * v, part);
    UNROLL for (size_t j = 0; j < mt; j++) sums[v][j] *= scale;
  }
  NAMED(finish_packed)(sums, nv, mt, columns, tile->y, tile->ldy, tile->add, NULL);
}

// One function for each size: a switch over all of them in one is more than the optimiser unrolls.
#define SIZED_TILE(element, vectors, rows)                                                         \
  static __attribute__((noinline)) void NAMED(packed_##element##_##vectors##_##rows)(              \
      const struct NAMED(tile) *tile) {                                                            \
    NAMED(packed_tile_##element)(tile, vectors, rows);                                             \
  }
#define SIZED_TILES_1(element, rows) SIZED_TILE(element, 1, rows)
#define SIZED_TILES_2(element, rows) SIZED_TILES_1(element, rows) SIZED_TILE(element, 2, rows)
#define SIZED_TILES_4(element, rows)                                                               \
  SIZED_TILES_2(element, rows) SIZED_TILE(element, 3, rows) SIZED_TILE(element, 4, rows)
#define NAMED_TILE(element, vectors, rows) NAMED(packed_##element##_##vectors##_##rows)
#define TILES_1(element, rows) [1][rows] = NAMED_TILE(element, 1, rows),
#define TILES_2(element, rows) TILES_1(element, rows) [2][rows] = NAMED_TILE(element, 2, rows),
#define TILES_4(element, rows)                                                                     \
  TILES_2(element, rows) [3][rows] = NAMED_TILE(element, 3, rows),                                 \
  [4][rows] = NAMED_TILE(element, 4, rows),
#if LEVEL >= AVX512
#define FOR_I8(tiles) tiles##_4(i8, 1) tiles##_4(i8, 2) tiles##_4(i8, 3)
#define FOR_ROWS(tiles, element)                                                                   \
  tiles##_4(element, 1) tiles##_4(element, 2) tiles##_4(element, 3) tiles##_4(element, 4)          \
  tiles##_4(element, 5) tiles##_4(element, 6)
#elif LEVEL == AVX2
#define FOR_I8(tiles) tiles##_4(i8, 1) tiles##_1(i8, 2) tiles##_1(i8, 3) tiles##_1(i8, 4)
#define FOR_ROWS(tiles, element)                                                                   \
  tiles##_4(element, 1) tiles##_1(element, 2) tiles##_1(element, 3) tiles##_1(element, 4)          \
  tiles##_1(element, 5) tiles##_1(element, 6)
#else
#define FOR_I8(tiles) tiles##_1(i8, 1)
#define FOR_ROWS(tiles, element) tiles##_1(element, 1) tiles##_1(element, 2)
#endif
FOR_ROWS(SIZED_TILES, f32)
FOR_ROWS(SIZED_TILES, bf16)
FOR_I8(SIZED_TILES)

/// Tiles by vectors and rows, and the most that they have of either.
struct NAMED(tiling) {
  void (*sizes[5][7])(const struct NAMED(tile) *);
  size_t vectors, rows;
};

/// The tiles for so many rows: along the panel for few, which memory is read ahead along.
#if LEVEL == AVX2
#define DEFINE_TILING(element, most, tiles)                                                        \
  HELPER const struct NAMED(tiling) *NAMED(tiling_##element)(size_t rows) {                        \
    static const struct NAMED(tiling) along = {{TILES_4(element, 1)}, 4, 1};                       \
    static const struct NAMED(tiling) down = {{tiles}, 1, most};                                   \
    return rows <= 2 ? &along : &down;                                                             \
  }
#else
#define DEFINE_TILING(element, most, tiles)                                                        \
  HELPER const struct NAMED(tiling) *NAMED(tiling_##element)(size_t rows) {                        \
    static const struct NAMED(tiling) tiling = {{tiles}, TILE_VECTORS, most};                      \
    (void)rows;                                                                                    \
    return &tiling;                                                                                \
  }
#endif

DEFINE_TILING(f32, TILE_ROWS, FOR_ROWS(TILES, f32))
DEFINE_TILING(bf16, TILE_ROWS_BF16, FOR_ROWS(TILES, bf16))
DEFINE_TILING(i8, TILE_ROWS_I8, FOR_I8(TILES))

// MARK: - Panels

/// A panel as its tiles read it, `bytes` from one k step to the next.
struct NAMED(panel) {
  size_t steps, segments, bytes;
  /// The first of its columns.
  size_t column, columns;
  const char *start;
  /// What the first tile reads instead, and what it keeps for the others; else `start` and NULL.
  const char *first;
  char *kept;
  /// The steps of the next panel, each of so many lines; NULL behind the last.
  const char *next;
  size_t lines;
};

// Rows fall into tiles of nearly one size. With several tiles a panel comes from memory with the
// first and from the second cache with the others: these fetch the next panel meanwhile, also that
// behind the last, as a thread goes on with it more often than not. The first tile is one of `lead`.
HELPER void NAMED(tile_panel)(const struct NAMED(tiling) *lead, const struct NAMED(tiling) *tiling,
                              const struct NAMED(panel) *panel, const hkv_rows *x, float *out,
                              size_t ldy, const float *added, const float *terms) {
  const size_t count = (x->count + tiling->rows - 1) / tiling->rows;
  const size_t width = 16 * tiling->vectors;
  const size_t calls = count * ((panel->columns + width - 1) / width);
  const size_t steps = panel->steps * panel->segments;
  size_t j = 0, call = 0;
  for (size_t t = 0; t < count; t++) {
    const size_t rows = (x->count - j + count - t - 1) / (count - t);
    struct NAMED(tile) tile = {
        .steps = panel->steps,
        .segments = panel->segments,
        .bytes = panel->bytes,
        .row = (const char *)x->base + j * x->stride,
        .stride = x->stride,
        .segment_stride = x->segment_stride,
        .ldy = ldy,
        .kept = panel->kept,
    };
    for (size_t c = 0; c < panel->columns; c += width) {
      const size_t column = panel->column + c;
      tile.columns = panel->columns - c < width ? panel->columns - c : width;
      tile.panel = (t == 0 ? panel->first : panel->start) + 4 * c;
      tile.ahead = NAMED(share_ahead)(panel->next, steps, panel->lines, call++, calls, tile.panel);
      tile.y = out + j * ldy + column;
      tile.add = added ? added + j * ldy + column : NULL;
      tile.terms = terms ? terms + column : NULL;
      (t == 0 ? lead : tiling)->sizes[(tile.columns + 15) / 16][rows](&tile);
    }
    j += rows;
  }
}

static void NAMED(packed)(const struct NAMED(tiling) *tiling, const hkv_packed *w, size_t first,
                          size_t end, const hkv_rows *x, float *out, size_t ldy,
                          const float *added, const float *terms) {
  const size_t bytes = 256 * w->steps * w->segments;
  for (size_t p = first; p < end; p++) {
    const char *start = (const char *)w->weights + p * bytes;
    const size_t columns = w->columns - 64 * p < 64 ? w->columns - 64 * p : 64;
    const struct NAMED(panel) panel = {
        .steps = w->steps,
        .segments = w->segments,
        .bytes = (columns + 15) / 16 * 64,
        .column = 64 * p,
        .columns = columns,
        .start = start,
        .first = start,
        .next = 64 * (p + 1) < w->columns ? start + bytes : NULL,
        .lines = 4,
    };
    NAMED(tile_panel)(tiling, tiling, &panel, x, out, ldy, added, terms);
  }
}

#define DEFINE_PACKED(element, tiling)                                                             \
  static void NAMED(packed_##element)(const hkv_packed *w, size_t first, size_t end,               \
                                      const hkv_rows *x, float *y, size_t ldy, const float *add,   \
                                      const float *terms) {                                        \
    NAMED(packed)(tiling, w, first, end, x, y, ldy, add, terms);                                   \
  }

DEFINE_PACKED(f32, NAMED(tiling_f32)(x->count))
DEFINE_PACKED(bf16, NAMED(tiling_bf16)(x->count))
DEFINE_PACKED(i8, NAMED(tiling_i8)(x->count))

// MARK: - Rows of x as the kernels read them

/// The nearest bfloat16, ties to even, in the high half of each lane; NaN stays NaN.
HELPER u16 NAMED(round_bf16)(v16 x) {
  u16 bits = (u16)x;
  u16 rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
  u16 special = (u16)((bits & 0x7f800000u) == 0x7f800000u);
  u16 kept = (bits & 0xffff0000u) | (((u16)(x != x)) & 0x00400000u);
  return (special & kept) | (~special & rounded);
}

HELPER v16 NAMED(load_some)(const float *from, size_t count) {
  return count >= 16 ? NAMED(load)(from) : NAMED(load_part)(from, count);
}

HELPER h16 NAMED(to_bf16)(v16 x) {
  return __builtin_convertvector(NAMED(round_bf16)(x) >> 16, h16);
}

/// `steps` pairs of `k` values, zeros behind them.
static void NAMED(rows_bf16)(const float *x, size_t k, size_t steps, void *out) {
  for (size_t at = 0; at < 2 * steps; at += 16) {
    v16 values = at < k ? NAMED(load_some)(x + at, k - at) : NAMED(splat)(0);
    size_t part = 2 * steps - at < 16 ? 2 * steps - at : 16;
#if LEVEL == AVX512BF16
    h16 half = NAMED(to_bf16)(values);
    memcpy((uint16_t *)out + at, &half, 2 * part);
#else
    u16 bits = NAMED(round_bf16)(values);
    memcpy((float *)out + at, &bits, 4 * part);
#endif
  }
}

/// Groups of 64 values as whole numbers in -127...127 with a scale each.
static void NAMED(rows_i8)(const float *x, size_t k, size_t steps, void *out) {
  const size_t groups = steps / 16;
  char *terms = (char *)out + 16 * I8_STEP * groups;
  const v16 magic = NAMED(splat)(12582912.0f);
  for (size_t g = 0; g < groups; g++) {
    v16 values[4], most = NAMED(splat)(0);
    UNROLL for (size_t i = 0; i < 4; i++) {
      size_t at = 64 * g + 16 * i;
      values[i] = at < k ? NAMED(load_some)(x + at, k - at) : NAMED(splat)(0);
      v16 size = (v16)((u16)values[i] & 0x7fffffffu);
      most = NAMED(select)(size > most, size, most);
    }
    float largest = NAMED(largest)(most);
    v16 inverse = NAMED(splat)(largest > 0 ? 127 / largest : 0);
    i16 total = {0};
    UNROLL for (size_t i = 0; i < 4; i++) {
      v16 shifted = values[i] * inverse + magic;
      // The low bits of the sum are the rounded number.
      i16 whole = (i16)shifted - (i16)magic;
      total += whole;
#if LEVEL >= AVX512VNNI
      __m128i bytes = _mm512_cvtepi32_epi8((__m512i)whole);
      memcpy((char *)out + 64 * g + 16 * i, &bytes, 16);
#elif LEVEL >= AVX2
      // Numbers 0 and 2 of four in one lane, 1 and 3 in the next.
      u8 first = (u8)__builtin_shufflevector(whole, whole, 0, 1, 4, 5, 8, 9, 12, 13);
      u8 second = (u8)__builtin_shufflevector(whole, whole, 2, 3, 6, 7, 10, 11, 14, 15);
      u8 pairs = (first & 0xffffu) | (second << 16);
      memcpy((char *)out + 128 * g + 32 * i, &pairs, 32);
#else
      v16 numbers = shifted - magic;
      memcpy((float *)out + 64 * g + 16 * i, &numbers, 64);
#endif
    }
    int32_t sum = 0;
    for (size_t i = 0; i < 16; i++) sum += total[i];
    float scale = largest / 127;
    memcpy(terms + 8 * g, &scale, 4);
#if LEVEL == PORTABLE
    float start = (float)(-128 * sum);
#else
    int32_t start = -128 * sum;
#endif
    memcpy(terms + 8 * g + 4, &start, 4);
  }
}

// MARK: - Packing

static __attribute__((noinline)) v16 NAMED(load_element)(const void *w, int element, size_t at, size_t count) {
  if (element == HKV_F32) {
    const float *from = (const float *)w + at;
    return count >= 16 ? NAMED(load_f32)(from) : NAMED(load_part_f32)(from, count);
  }
  const uint16_t *from = (const uint16_t *)w + at;
  if (element == HKV_BF16)
    return count >= 16 ? NAMED(load_bf16)(from) : NAMED(load_part_bf16)(from, count);
  return count >= 16 ? NAMED(load_f16)(from) : NAMED(load_part_f16)(from, count);
}

/// 16 weights of a row of w [n, k], zeros where there are none.
HELPER v16 NAMED(weights_at)(const void *w, int element, size_t n, size_t k, size_t row,
                             size_t at) {
  return row < n && at < k ? NAMED(load_element)(w, element, row * k + at, k - at)
                           : NAMED(splat)(0);
}

HELPER float NAMED(row_scale)(const void *w, int element, size_t row, size_t k) {
  v16 most = NAMED(splat)(0);
  for (size_t at = 0; at < k; at += 16) {
    v16 size = (v16)((u16)NAMED(load_element)(w, element, row * k + at, k - at) & 0x7fffffffu);
    most = NAMED(select)(size > most, size, most);
  }
  return NAMED(largest)(most) / 127;
}

/// Packs 16 k steps of 16 columns: `lanes[c][s]` is step s of column c.
static __attribute__((noinline)) void NAMED(scatter)(uint32_t lanes[16][16], size_t steps, uint32_t *out, size_t stride) {
  for (size_t s = 0; s < steps; s++)
    UNROLL for (size_t c = 0; c < 16; c++) out[s * stride + c] = lanes[c][s];
}

static void NAMED(pack)(int packing, const void *w, int element, size_t n, size_t k, size_t first,
                        size_t end, void *out, float *scales) {
  const size_t in_step = packing == HKV_PACKED_F32 ? 1 : packing == HKV_PACKED_BF16 ? 2 : 4;
  const size_t steps = hkv_packed_steps(packing, k);
  for (size_t p = first; p < end; p++) {
    const size_t left = n - 64 * p < 64 ? n - 64 * p : 64;
    const size_t vectors = (left + 15) / 16;
    uint32_t *panel = (uint32_t *)out + p * 64 * steps;
    for (size_t v = 0; v < vectors; v++) {
      const size_t column = 64 * p + 16 * v;
      const size_t columns = n - column < 16 ? n - column : 16;
      float inverse[16];
      if (packing == HKV_PACKED_I8)
        for (size_t c = 0; c < columns; c++) {
          float scale = NAMED(row_scale)(w, element, column + c, k);
          scales[column + c] = scale;
          inverse[c] = scale > 0 ? 1 / scale : 0;
        }
      for (size_t s = 0; s < steps; s += 16) {
        uint32_t lanes[16][16];
        for (size_t c = 0; c < 16; c++)
          for (size_t part = 0; part < in_step; part++) {
            size_t at = s * in_step + 16 * part;
            v16 value = NAMED(weights_at)(w, element, n, k, column + c, at);
            char *to = (char *)lanes[c] + part * (64 / in_step);
            if (packing == HKV_PACKED_F32) {
              memcpy(to, &value, 64);
            } else if (packing == HKV_PACKED_BF16) {
              h16 half = NAMED(to_bf16)(value);
              memcpy(to, &half, 32);
            } else {
              v16 magic = NAMED(splat)(12582912.0f);
              v16 shifted = value * NAMED(splat)(c < columns ? inverse[c] : 0) + magic;
              u16 whole = (u16)shifted - (u16)magic + 128u;
              b16 bytes = __builtin_convertvector(whole, b16);
              memcpy(to, &bytes, 16);
            }
          }
        size_t count = steps - s < 16 ? steps - s : 16;
        NAMED(scatter)(lanes, count, panel + (s * vectors + v) * 16, 16 * vectors);
      }
    }
  }
}
