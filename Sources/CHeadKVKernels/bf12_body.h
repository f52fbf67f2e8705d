// Packed bfloat16 in 12 bits a weight, for the instruction set LEVEL; part of kernels_body.h, behind
// packed_body.h.
//
// The high byte of a bfloat16 is its sign and all but the last bit of its exponent: of the weights
// of a panel nearly all have one of a few. The panel has a table of the 15 that are most frequent,
// and a weight is a place in it, 4 bits, beside its low byte. The few others are listed; they point
// to entry 0 of the table, which is zero, and get their high byte from the list.
//
// A step of a panel is 128 weights in three lines: low bytes of vectors 0 and 1, those of 2 and 3,
// places. In each 16 bytes of a line stand 8 weights of the even vector, then 8 of the odd one, as
// instructions that interleave bytes want them; the places of vectors 2 and 3 are the high halves.
// Decoding gives the very bits, so products are those of packed bfloat16.

#define BF12_LINES 3

/// How many tiles decode a panel each for itself. With dot products of six rows that costs a few
/// percent, and storing more; widening to f32 leaves no time for it.
#define BF12_TILES (LEVEL == AVX512BF16 ? 5 : 1)

HELPER b64 NAMED(load_bytes)(const void *from) { return *(const b64_memory *)from; }

/// table[place] for each byte, of which the low four bits count; the table stands there four times.
HELPER b64 NAMED(look_up)(b64 table, b64 places) {
#if LEVEL >= AVX512
  return (b64)_mm512_shuffle_epi8((__m512i)table, (__m512i)places);
#elif LEVEL == AVX2
  __m256i halves[2], numbers[2];
  memcpy(halves, &table, 64);
  memcpy(numbers, &places, 64);
  UNROLL for (size_t i = 0; i < 2; i++) halves[i] = _mm256_shuffle_epi8(halves[i], numbers[i]);
  memcpy(&table, halves, 64);
  return table;
#else
  uint8_t entries[64], found[64];
  memcpy(entries, &table, 64);
  memcpy(found, &places, 64);
  for (size_t i = 0; i < 64; i++) found[i] = entries[found[i]];
  memcpy(&table, found, 64);
  return table;
#endif
}

// Bytes of a and b in turn, of each 16 of them the first eight, or the last.
#define INTERLEAVED_8(at)                                                                          \
  at, 64 + at, at + 1, 65 + at, at + 2, 66 + at, at + 3, 67 + at, at + 4, 68 + at, at + 5,         \
      69 + at, at + 6, 70 + at, at + 7, 71 + at
#define INTERLEAVED(a, b, first)                                                                   \
  (v16) __builtin_shufflevector(a, b, INTERLEAVED_8(first), INTERLEAVED_8(first + 16),             \
                                INTERLEAVED_8(first + 32), INTERLEAVED_8(first + 48))

/// The weights of a step, but for those listed: four vectors of 16 pairs.
HELPER void NAMED(decode_step)(const char *from, b64 table, v16 lanes[4]) {
  b64 places = NAMED(load_bytes)(from + 128);
  b64 first = NAMED(load_bytes)(from), second = NAMED(load_bytes)(from + 64);
  // Shifted in lanes of 32 bits: no instruction shifts bytes.
  b64 low = places & 15, high = (b64)((u16)places >> 4) & 15;
  b64 first_high = NAMED(look_up)(table, low), second_high = NAMED(look_up)(table, high);
  lanes[0] = INTERLEAVED(first, first_high, 0);
  lanes[1] = INTERLEAVED(first, first_high, 8);
  lanes[2] = INTERLEAVED(second, second_high, 0);
  lanes[3] = INTERLEAVED(second, second_high, 8);
}

#undef INTERLEAVED
#undef INTERLEAVED_8

/// The weights of a panel that are listed, and where in the list a product is.
struct NAMED(listed) {
  const uint32_t *next, *end;
};

HELPER struct NAMED(listed) NAMED(listed)(const struct bf12_head *head, size_t steps) {
  const uint32_t *list = (const uint32_t *)(head + 1);
  const size_t room = hkv_bf12_listable(steps);
  // A head from a file is not to be trusted with memory.
  return (struct NAMED(listed)){list, list + (head->listed < room ? head->listed : room)};
}

/// The step of the weight that is next in the list.
HELPER size_t NAMED(next_step)(const struct NAMED(listed) *listed) {
  return listed->next < listed->end ? *listed->next >> 15 : SIZE_MAX;
}

/// Gives the listed weights of a step their high bytes.
static __attribute__((noinline)) void NAMED(correct_step)(struct NAMED(listed) *listed,
                                                          uint16_t weights[128]) {
  const size_t step = *listed->next >> 15;
  for (; NAMED(next_step)(listed) == step; listed->next++)
    weights[*listed->next >> 8 & 127] |= (uint16_t)(*listed->next << 8);
}

HELPER b64 NAMED(panel_table)(const struct bf12_head *head) {
  b64 table;
  UNROLL for (size_t i = 0; i < 4; i++) memcpy((char *)&table + 16 * i, head->table, 16);
  return table;
}

#if LEVEL >= AVX512

/// A tile of a whole panel.
HELPER void NAMED(tile_bf12)(const struct NAMED(tile) *tile, size_t mt) {
  v16 sums[4][6];
  UNROLL for (size_t v = 0; v < 4; v++)
    UNROLL for (size_t j = 0; j < mt; j++) sums[v][j] = NAMED(splat)(0);
  const struct bf12_head *head = (const struct bf12_head *)(const void *)tile->panel;
  const size_t steps = tile->steps, stride = tile->stride;
  char *const kept = tile->kept;
  const b64 table = NAMED(panel_table)(head);
  struct NAMED(listed) listed = NAMED(listed)(head, steps);
  size_t next = NAMED(next_step)(&listed);
  struct NAMED(ahead) ahead = tile->ahead;
  const char *from = bf12_steps(head, steps), *at = tile->row;
  for (size_t k = 0; k < steps; k++, from += 64 * BF12_LINES, at += NAMED(x_bytes_bf16)) {
    v16 lanes[4];
    NAMED(decode_step)(from, table, lanes);
    if (__builtin_expect(k == next, 0)) {
      // Copies, or the lanes would always live in memory.
      v16 weights[4];
      UNROLL for (size_t v = 0; v < 4; v++) weights[v] = lanes[v];
      NAMED(correct_step)(&listed, (uint16_t *)(void *)weights);
      UNROLL for (size_t v = 0; v < 4; v++) lanes[v] = weights[v];
      next = NAMED(next_step)(&listed);
    }
    if (kept) {
      UNROLL for (size_t v = 0; v < 4; v++)
        *(v16_memory *)(void *)(kept + 256 * k + 64 * v) = lanes[v];
    }
    NAMED(add_bf16)(lanes, 4, at, stride, mt, sums);
    NAMED(read_ahead)(&ahead);
  }
  NAMED(finish_packed)(sums, 4, mt, tile->columns, tile->y, tile->ldy, tile->add, tile->terms);
}

#define SIZED_BF12(rows)                                                                           \
  static __attribute__((noinline)) void NAMED(bf12_##rows)(const struct NAMED(tile) *tile) {       \
    NAMED(tile_bf12)(tile, rows);                                                                  \
  }
SIZED_BF12(1)
SIZED_BF12(2)
SIZED_BF12(3)
SIZED_BF12(4)
SIZED_BF12(5)
SIZED_BF12(6)
#undef SIZED_BF12

/// Decodes all four vectors, however many are wanted.
static const struct NAMED(tiling) NAMED(tiling_bf12) = {
    {[1 ... 4] = {NULL, NAMED(bf12_1), NAMED(bf12_2), NAMED(bf12_3), NAMED(bf12_4), NAMED(bf12_5),
                  NAMED(bf12_6)}},
    4,
    TILE_ROWS_BF16};

#else

/// The weights of a panel as packed bfloat16.
static void NAMED(unpack_bf12)(const struct bf12_head *head, size_t steps, char *out) {
  const b64 table = NAMED(panel_table)(head);
  struct NAMED(listed) listed = NAMED(listed)(head, steps);
  const char *from = bf12_steps(head, steps);
  for (size_t k = 0; k < steps; k++, from += 64 * BF12_LINES) {
    v16 lanes[4];
    NAMED(decode_step)(from, table, lanes);
    memcpy(out + 256 * k, lanes, 256);
    if (k == NAMED(next_step)(&listed))
      NAMED(correct_step)(&listed, (uint16_t *)(void *)(out + 256 * k));
  }
}

#endif

static void NAMED(packed_bf12)(const hkv_packed *w, size_t first, size_t end, const hkv_rows *x,
                               float *y, size_t ldy, const float *add, const float *terms,
                               void *room) {
  const struct NAMED(tiling) *tiling = NAMED(tiling_bf16)(x->count), *lead = tiling;
  const size_t bytes = hkv_panel_bytes(HKV_PACKED_BF12, w->steps);
#if LEVEL >= AVX512
  // Tiles decode the panel as they go, where there are few. Else the first keeps what it decoded in
  // `room`, for the others.
  const int keeps = x->count > BF12_TILES * tiling->rows;
  lead = &NAMED(tiling_bf12);
  if (!keeps) tiling = lead;
#endif
  for (size_t p = first; p < end; p++) {
    const char *start = (const char *)w->weights + p * bytes;
    struct NAMED(panel) panel = {
        .steps = w->steps,
        .segments = 1,
        .bytes = 256,
        .column = 64 * p,
        .columns = w->columns - 64 * p < 64 ? w->columns - 64 * p : 64,
        .start = room,
        .first = room,
        .lines = BF12_LINES,
    };
    if (64 * (p + 1) < w->columns) {
      // The head of a panel is wanted at once, and no stream leads to it.
      hkv_prefetch(start + bytes, 128);
      panel.next = bf12_steps((const struct bf12_head *)(const void *)(start + bytes), w->steps);
    }
#if LEVEL >= AVX512
    panel.first = start;
    if (keeps)
      panel.kept = room;
    else
      panel.start = start;
#else
    NAMED(unpack_bf12)((const struct bf12_head *)(const void *)start, w->steps, room);
#endif
    NAMED(tile_panel)(lead, tiling, &panel, x, y, ldy, add, terms);
  }
}

// MARK: - Packing

/// Steps [first, first + count) of panel p, at most 16 of them, as packed bfloat16.
static void NAMED(round_steps)(const void *w, int element, size_t n, size_t k, size_t p,
                               size_t first, size_t count, uint32_t out[16][64]) {
  for (size_t v = 0; v < 4; v++) {
    uint32_t lanes[16][16];
    for (size_t c = 0; c < 16; c++)
      for (size_t part = 0; part < 2; part++) {
        h16 half = NAMED(to_bf16)(NAMED(weights_at)(
            w, element, n, k, 64 * p + 16 * v + c, 2 * first + 16 * part));
        memcpy((char *)lanes[c] + 32 * part, &half, 32);
      }
    NAMED(scatter)(lanes, count, &out[0][16 * v], 64);
  }
}

// Every other byte of a and b, from `first` on: of each 16 bytes of the line eight are from a.
#define HALVES_8(at) at, at + 2, at + 4, at + 6, at + 8, at + 10, at + 12, at + 14
#define HALVES_16(at) HALVES_8(at), HALVES_8(64 + at)
#define HALVES(a, b, first)                                                                        \
  __builtin_shufflevector(a, b, HALVES_16(first), HALVES_16(first + 16), HALVES_16(first + 32),    \
                          HALVES_16(first + 48))

/// The places of high bytes in the table: 0 for those that are not there.
HELPER b64 NAMED(places)(b64 high, const uint8_t table[16]) {
  b64 places = {0};
  for (size_t i = 1; i < 16; i++) places |= (b64)(high == table[i]) & (uint8_t)i;
  // Entries that are not used are zero.
  return places & (b64)(high != 0);
}

static int NAMED(pack_bf12)(const void *w, int element, size_t n, size_t k, size_t first,
                            size_t end, void *out) {
  const size_t steps = hkv_packed_steps(HKV_PACKED_BF12, k);
  const size_t room = hkv_bf12_listable(steps);
  // The list has 17 bits for a step.
  if (steps > 1 << 17) return 0;
  uint32_t words[16][64];
  for (size_t p = first; p < end; p++) {
    char *panel = (char *)out + p * hkv_panel_bytes(HKV_PACKED_BF12, steps);
    struct bf12_head *head = (struct bf12_head *)(void *)panel;
    uint32_t *list = (uint32_t *)(head + 1);
    char *to = (char *)bf12_steps(head, steps);
    memset(panel, 0, (size_t)(to - panel));

    uint32_t counts[2][256] = {{0}};
    for (size_t s = 0; s < steps; s += 16) {
      const size_t count = steps - s < 16 ? steps - s : 16;
      NAMED(round_steps)(w, element, n, k, p, s, count, words);
      for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < 64; j++) {
          counts[0][words[i][j] >> 8 & 255]++;
          counts[1][words[i][j] >> 24]++;
        }
    }
    bf12_choose(counts, head->table);

    for (size_t s = 0; s < steps; s += 16) {
      const size_t count = steps - s < 16 ? steps - s : 16;
      NAMED(round_steps)(w, element, n, k, p, s, count, words);
      for (size_t i = 0; i < count; i++, to += 64 * BF12_LINES) {
        b64 both = {0}, missing = {0};
        UNROLL for (size_t half = 0; half < 2; half++) {
          b64 even = NAMED(load_bytes)(&words[i][32 * half]);
          b64 odd = NAMED(load_bytes)(&words[i][32 * half + 16]);
          b64 low = HALVES(even, odd, 0), high = HALVES(even, odd, 1);
          b64 places = NAMED(places)(high, head->table);
          missing |= (b64)(places == 0) & (b64)(high != 0);
          memcpy(to + 64 * half, &low, 64);
          both |= half ? (b64)((u16)places << 4) : places;
        }
        memcpy(to + 128, &both, 64);
        if (bf12_is_zero(&missing)) continue;
        const uint16_t *weights = (const uint16_t *)words[i];
        for (size_t j = 0; j < 128; j++) {
          const uint8_t high = weights[j] >> 8;
          if (high == 0 || memchr(head->table, high, 16)) continue;
          if (head->listed == room) return 0;
          list[head->listed++] = (uint32_t)((s + i) << 15 | j << 8 | high);
        }
      }
    }
  }
  return 1;
}

#undef HALVES
#undef HALVES_16
#undef HALVES_8
#undef BF12_LINES
#undef BF12_TILES
#undef TILE_VECTORS
#undef TILE_ROWS
#undef TILE_ROWS_BF16
#undef TILE_ROWS_I8
#undef DEFINE_STEP
#undef DEFINE_PACKED_TILE
#undef DEFINE_PACKED
#undef SIZED_TILE
#undef SIZED_TILES_1
#undef SIZED_TILES_2
#undef SIZED_TILES_4
#undef NAMED_TILE
#undef TILES_1
#undef TILES_2
#undef TILES_4
#undef FOR_I8
#undef FOR_ROWS
#undef DEFINE_TILING
