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

/// The same over bfloat16 rows, widened exactly.
void hkv_attend_bf16(const float *q, const uint16_t *k, size_t k_stride, const uint16_t *v,
                     size_t v_stride, const float *bias, size_t rows, size_t dim, float scale,
                     float *weights, float *out);
/// The same over IEEE half-precision rows.
void hkv_attend_f16(const float *q, const uint16_t *k, size_t k_stride, const uint16_t *v,
                    size_t v_stride, const float *bias, size_t rows, size_t dim, float scale,
                    float *weights, float *out);
/// The same over rows of bytes: key r is k_scales[r] times its bytes, value r v_scales[r] times.
void hkv_attend_i8(const float *q, const int8_t *k, size_t k_stride, const float *k_scales,
                   const int8_t *v, size_t v_stride, const float *v_scales, const float *bias,
                   size_t rows, size_t dim, float scale, float *weights, float *out);

/// How weights are packed: f32, bfloat16, bytes with a scale for each column (output), or bfloat16
/// in 12 bits.
enum { HKV_PACKED_F32, HKV_PACKED_BF16, HKV_PACKED_I8, HKV_PACKED_BF12 };
/// Element types of weights in a file, and of cached rows (bytes those alone).
enum { HKV_F32, HKV_BF16, HKV_F16, HKV_I8 };

/// Packed weights of `columns` outputs, in panels of 64.
///
/// Panel p starts at byte p * 256 * steps * segments: [segment][step][vectors][16 columns] lanes of
/// four bytes, with four vectors, or in the last panel as many as hold the columns that are left.
/// A step is one f32, two bf16 or four bytes of the inner dimension. Several segments serve inputs
/// whose inner dimension lies in several runs, such as the rows that a convolution sees.
///
/// A bf12 panel has four vectors, even if it is the last, one segment, and hkv_panel_bytes bytes: a
/// head of 64 (a table of 16 high bytes, the first of them zero, and the length of the list), room
/// for a list of hkv_bf12_listable numbers of four bytes, then 192 for each step. Those are the low
/// bytes of vectors 0 and 1, the low bytes of 2 and 3, and 4 bits for each high byte, its place in
/// the table. A line of 64 bytes holds, four times, eight of the even and eight of the odd vector;
/// the low halves of the last line belong to vectors 0 and 1. The list is of weights whose high byte
/// is not in the table: step << 15 | place among the step's 128 << 8 | high byte, ascending.
typedef struct {
  const void *weights;
  size_t columns;
  size_t steps;
  size_t segments;
} hkv_packed;

/// Rows of x as hkv_prepare_row leaves them; strides count bytes.
typedef struct {
  const void *base;
  size_t stride;
  size_t count;
  size_t segment_stride;
} hkv_rows;

/// Steps that an inner dimension of `k` takes.
size_t hkv_packed_steps(int packing, size_t k);

/// Bytes from one panel of a segment to the next.
size_t hkv_panel_bytes(int packing, size_t steps);

/// How many weights of a bf12 panel may be listed: one in 256.
size_t hkv_bf12_listable(size_t steps);

/// Bytes that a product takes to unpack panels in; on a 64-byte boundary.
size_t hkv_room_bytes(int packing, size_t steps);

/// Bytes of a prepared row of `k` values, for the instruction set in use; a multiple of 4.
size_t hkv_row_bytes(int packing, size_t k);

/// Prepares one row: f32 as it is, bfloat16 rounded to nearest even, bytes in groups of 64 with a
/// scale each. Depends on nothing but the row.
void hkv_prepare_row(int packing, const float *x, size_t k, void *out);

/// Packs the panels [first, end) of the row-major matrix w [n, k] of type `element` into `out`, the
/// start of panel 0; bytes also put the scales of their columns into `scales` [n].
///
/// Returns 0 if bf12 cannot hold one of the panels, which takes more listed weights than there is
/// room for, or more than 2^17 steps.
int hkv_pack(int packing, const void *w, int element, size_t n, size_t k, size_t first, size_t end,
             void *out, float *scales);

/// y = x W^T (+ terms) (+ add) for the columns of panels [first, end); `add` has the layout of y
/// and may be y. `terms` is the bias or NULL, for bytes the scales of the columns. `room` has
/// hkv_room_bytes bytes; NULL where that is 0.
///
/// The bits of an element of y depend on its row of x and its column alone; for bf12 they are those
/// that bfloat16 gives. Whatever the panels hold, no memory beside them is read or written.
void hkv_packed_linear(int packing, const hkv_packed *w, size_t first, size_t end,
                       const hkv_rows *x, float *y, size_t ldy, const float *add,
                       const float *terms, void *room);

/// out = x * scale + shift for each pixel of channels, then x / (1 + exp(-x)) if `silu`.
///
/// Here and below channels are a multiple of 16.
void hkv_scale_shift(const float *x, size_t pixels, size_t channels, const float *scale,
                     const float *shift, int silu, float *out);

/// The mean of each channel over at least one pixel, and its sum of squared distances from it.
void hkv_moments(const float *x, size_t pixels, size_t channels, float *mean, float *squares);

/// Places at which a Winograd tile multiplies: 36, or 25 if its map is doubled by repeating pixels.
size_t hkv_winograd_points(int doubled);

/// Transforms the input channels [first, end) of one panel of a 3x3 kernel, packed in 3 segments of
/// 3 * channels steps: out is [points][channels][outputs of the panel].
void hkv_winograd_weights(const hkv_packed *w, size_t panel, size_t first, size_t end, int doubled,
                          float *out);

/// Transforms a tile, whose first of 6 x 6 pixels (4 x 4 if doubled) is at `window`, with `row`
/// floats from one line of pixels to the next: out is `channels` floats, `stride` apart, a point.
void hkv_winograd_input(const float *window, size_t row, size_t channels, int doubled, float *out,
                        size_t stride);

/// At each point [tiles, columns] = [tiles, channels] [channels, columns]; columns are at most 64.
void hkv_winograd_products(const float *weights, size_t columns, size_t channels, int doubled,
                           const float *input, size_t input_stride, size_t tiles, float *products,
                           size_t stride);

/// Where a tile of at most 4 x 4 outputs goes; `add` has the layout of `out`, may be it, or NULL.
typedef struct {
  size_t height, width, channels;
  size_t row, pixel;
  const float *bias, *add;
  float *out;
} hkv_tile;

/// Outputs from the products of one tile, plus bias and `add`.
void hkv_winograd_output(const float *products, size_t stride, int doubled, const hkv_tile *tile);

/// out = x / sqrt(mean(x^2) + eps) * weight; `out` may be `x`.
void hkv_rms_norm(const float *x, const float *weight, size_t n, float eps, float *out);

/// gate = silu(gate) * up.
void hkv_silu_mul(float *gate, const float *up, size_t n);

/// x = gelu(x), the tanh form.
void hkv_gelu_tanh(float *x, size_t n);

/// x = softmax(x). Entries of -inf become 0, also when there is nothing else.
void hkv_softmax(float *x, size_t n);

/// x = exp(x); 0 below -87.3, saturates above 88. For tests and small jobs.
void hkv_exp(float *x, size_t n);

/// Turns interleaved pairs: (x0, x1) -> (x0 c - x1 s, x0 s + x1 c); cos_sin is [pairs][2].
void hkv_rotate_pairs(float *x, const float *cos_sin, size_t pairs);

// Cached rows: `scale` times elements of the given type; the scale is 1 for all but bytes.

/// Stores `n` values as a row and returns its scale.
///
/// Halves and bfloat16 round to nearest even; what is too large becomes the largest finite number.
/// Bytes are whole multiples, rounded to nearest even, of the scale max|x| / 127; numbers beyond
/// 2^127 become that, a row below 2^-100 zeros. NaN stays NaN; among bytes it makes the whole row
/// NaN.
float hkv_narrow_row(int element, const float *x, size_t n, void *out);

/// The values that a row stands for.
void hkv_widen_row(int element, const void *x, float scale, size_t n, float *out);

/// Sum of products of the elements of two rows, scales left out.
float hkv_dot_rows(int element, const void *x, const void *y, size_t n);

/// into += share * (from - into), stored as hkv_narrow_row does; returns the new scale.
float hkv_merge_rows(int element, void *into, float into_scale, const void *from, float from_scale,
                     float share, size_t n);

/// Lists, in their order, the rows in [first, rows) that were born in [from, before), `row` left out;
/// returns how many. `list` takes rows - first numbers, however few are listed.
size_t hkv_list_born(const int32_t *births, int32_t from, int32_t before, size_t row, size_t first,
                     size_t rows, int32_t *list);

/// costs[j] = (ci cr / (ci + cr))^2 |k_i - k_r|^2 |v_i - v_r|^2 (+ added[j]) for i = list[j],
/// r = `row` and c = exp(bias). `added` may be NULL, or `costs`.
///
/// The stride counts elements; scales are NULL for all types but bytes.
void hkv_merge_costs(int element, const void *k, const float *k_scales, const void *v,
                     const float *v_scales, size_t stride, const float *bias, size_t row,
                     const int32_t *list, size_t listed, size_t dim, const float *added,
                     float *costs);

/// Up to 16 queries that are asked of the rows of a head, which stand in the order in which they
/// were appended: each sees the first `seen` of them.
typedef struct {
  size_t rows, dim;
  /// Rows that stay whatever goes; they come first.
  size_t prefix;
  /// [rows, dim].
  const float *values;
  /// Tokens that each row stands for.
  const float *counts;
  /// [16]; 0 where there is no query.
  const int32_t *seen;
  /// Logits less the query's highest, and tokens * exp(logit): [rows][16].
  float *logits, *weights;
  /// Sums over the rows of the weights [16], and of the weighted values [dim][16].
  float *mass, *total;
} hkv_queries;

/// Computes logits scale k.q, weights and their sums; queries are [dim][16].
void hkv_weigh_queries(const hkv_queries *asked, const float *keys, const float *queries,
                       float scale);

/// Floats of room for ``hkv_pool_errors``.
size_t hkv_pool_room(size_t dim, size_t clusters);

/// errors[w] += |o - o'|^2 for each query that sees w rows beside the old ones and itself, where o is
/// its output and o' that with the mean key and value of each cluster in place of the old rows.
///
/// The old rows are those between the prefix and the window. They weigh as much, in both outputs, as
/// if they stood for `horizon` - w tokens, where this is more, unless `horizon` is 0. Rows whose
/// predecessors stand for fewer than `fewest` tokens don't count. Without clusters old rows are left
/// out. `cluster_of` has a number for each row behind the prefix.
void hkv_pool_errors(const hkv_queries *asked, const int32_t *cluster_of, size_t clusters,
                     float fewest, float horizon, float *room, double *errors);

/// The place of the lowest score in [first, rows) among rows that were born before `before`, the
/// first of equal ones; `rows` if none is finite.
size_t hkv_lowest_score(const float *scores, const int32_t *births, int32_t before, size_t first,
                        size_t rows);

/// The first place in [first, rows) of `score`, a finite number, among rows that were born before
/// `before`; `rows` if there is none.
size_t hkv_equal_score(const float *scores, const int32_t *births, int32_t before, size_t first,
                       size_t rows, float score);

/// Least and largest of some numbers, NaN passed over; infinity and its negative if there are none.
void hkv_extent(const float *x, size_t n, float *least, float *most);

/// counts[b] = how many numbers are at least bounds[b], for eight bounds. NaN reaches none, and none
/// reach NaN.
void hkv_count_at_least(const float *x, size_t n, const float *bounds, uint32_t *counts);

/// Lists, in their order, the places of numbers that are at least `least` and not at least `below`,
/// which may be NaN; returns how many. `list` takes n numbers, however few are listed.
size_t hkv_list_between(const float *x, size_t n, float least, float below, int32_t *list);

/// Asks for `bytes` of memory to be brought near; a hint.
static inline void hkv_prefetch(const void *from, size_t bytes) {
  for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch((const char *)from + at, 0, 2);
}

/// The sum of `count` numbers modulo 2^32; as fast as memory gives them, which is what it is for.
uint32_t hkv_sum_u32(const uint32_t *from, size_t count);

/// The instruction set in use: "portable", "avx2", "avx512", "avx512vnni" (dot products of bytes)
/// or "avx512bf16" (of bytes and of bfloat16).
const char *hkv_instruction_set(void);

/// Whether this processor and build have the kernels of that name.
int hkv_has_instruction_set(const char *name);

/// The name of a feature of this processor that matters to the kernels; NULL behind the last.
const char *hkv_cpu_feature(size_t index);

/// Switches to another instruction set, for tests; 0 if this processor or build lacks it.
int hkv_select_instruction_set(const char *name);

/// Takes whole blocks of 64 bytes into a SHA-256 state with the processor's own instructions.
///
/// Returns 0, having done nothing, where there are none or the instruction set is "portable".
int hkv_sha256_blocks(uint32_t state[8], const uint8_t *bytes, size_t blocks);

#ifdef __cplusplus
}
#endif

#endif
