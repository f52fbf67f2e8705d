// Convolution over channels-last maps, for the instruction set LEVEL; part of kernels_body.h.
//
// Channels come in vectors of 16. 3x3 kernels by Winograd's F(4x4, 3x3): 4 x 4 outputs from 6 x 6
// inputs by 36 products a pair of channels, where the definition takes 144. The points are 0, a,
// -a, b, -b and infinity. 3/4 and 3/2 round least of those tried: half the error of 1 and 2. The
// input of a `doubled` map repeats each pixel, so with a = 1 it vanishes at -1, which leaves 25
// products.

#define POINT_A (doubled ? 1.0f : 0.75f)
#define POINT_B (doubled ? 2.0f : 1.5f)

// MARK: - Normalisation

static void NAMED(scale_shift)(const float *x, size_t pixels, size_t channels, const float *scale,
                               const float *shift, int silu, float *out) {
  for (size_t p = 0; p < pixels; p++, x += channels, out += channels)
    for (size_t c = 0; c < channels; c += 16) {
      v16 a = NAMED(fma)(NAMED(load)(x + c), NAMED(load)(scale + c), NAMED(load)(shift + c));
      NAMED(store)(out + c, silu ? NAMED(silu)(a) : a);
    }
}

static void NAMED(moments)(const float *x, size_t pixels, size_t channels, float *mean,
                           float *squares) {
  const v16 share = NAMED(splat)(1 / (float)pixels);
  for (size_t c = 0; c < channels; c += 16) {
    v16 sum = NAMED(splat)(0), square = sum;
    for (size_t p = 0; p < pixels; p++) sum += NAMED(load)(x + p * channels + c);
    const v16 center = sum * share;
    for (size_t p = 0; p < pixels; p++) {
      v16 distance = NAMED(load)(x + p * channels + c) - center;
      square = NAMED(fma)(distance, distance, square);
    }
    NAMED(store)(mean + c, center);
    NAMED(store)(squares + c, square);
  }
}

// MARK: - Winograd, in one dimension

/// The input at the points: from 6 pixels, or from the 4 that a doubled map repeats.
HELPER void NAMED(winograd_points)(const v16 *d, int doubled, v16 out[6]) {
  const float a = POINT_A, b = POINT_B;
  const v16 squares = NAMED(splat)(-(a * a + b * b)), product = NAMED(splat)(a * a * b * b);
  if (doubled) {
    v16 rise = d[2] - d[1];
    out[0] = NAMED(fma)(product, d[0], NAMED(fma)(squares, d[1], d[2]));
    out[1] = NAMED(splat)(2) * NAMED(fma)(NAMED(splat)(-4), d[1], d[2]);
    out[2] = NAMED(splat)(3) * rise;
    out[3] = -rise;
    out[4] = NAMED(fma)(product, d[1], NAMED(fma)(squares, d[2], d[3]));
    return;
  }
  const v16 a2 = NAMED(splat)(-a * a), b2 = NAMED(splat)(-b * b);
  v16 even_a = NAMED(fma)(b2, d[2], d[4]), odd_a = NAMED(fma)(b2, d[1], d[3]);
  v16 even_b = NAMED(fma)(a2, d[2], d[4]), odd_b = NAMED(fma)(a2, d[1], d[3]);
  out[0] = NAMED(fma)(product, d[0], NAMED(fma)(squares, d[2], d[4]));
  out[1] = NAMED(fma)(NAMED(splat)(a), odd_a, even_a);
  out[2] = NAMED(fma)(NAMED(splat)(-a), odd_a, even_a);
  out[3] = NAMED(fma)(NAMED(splat)(b), odd_b, even_b);
  out[4] = NAMED(fma)(NAMED(splat)(-b), odd_b, even_b);
  out[5] = NAMED(fma)(product, d[1], NAMED(fma)(squares, d[3], d[5]));
}

/// The kernel at the points, without -1 for a doubled map.
HELPER void NAMED(winograd_kernel)(const v16 g[3], int doubled, v16 out[6]) {
  const float a = POINT_A, b = POINT_B;
  const v16 scale_a = NAMED(splat)(1 / (2 * a * a * (a * a - b * b)));
  const v16 scale_b = NAMED(splat)(1 / (2 * b * b * (b * b - a * a)));
  v16 even_a = NAMED(fma)(NAMED(splat)(a * a), g[2], g[0]), odd_a = g[1] * NAMED(splat)(a);
  v16 even_b = NAMED(fma)(NAMED(splat)(b * b), g[2], g[0]), odd_b = g[1] * NAMED(splat)(b);
  const size_t rest = doubled ? 2 : 3;
  out[0] = g[0] * NAMED(splat)(1 / (a * a * b * b));
  out[1] = (even_a + odd_a) * scale_a;
  if (!doubled) out[2] = (even_a - odd_a) * scale_a;
  out[rest] = (even_b + odd_b) * scale_b;
  out[rest + 1] = (even_b - odd_b) * scale_b;
  out[rest + 2] = g[2];
}

/// Four outputs from the products at the points.
HELPER void NAMED(winograd_outputs)(const v16 *m, int doubled, v16 out[4]) {
  const float a = POINT_A, b = POINT_B;
  const v16 *rest = m + (doubled ? 2 : 3);
  v16 sum_a = doubled ? m[1] : m[1] + m[2], odd_a = doubled ? m[1] : m[1] - m[2];
  v16 sum_b = rest[0] + rest[1], odd_b = rest[0] - rest[1];
  odd_a *= NAMED(splat)(a);
  odd_b *= NAMED(splat)(b);
  out[0] = m[0] + sum_a + sum_b;
  out[1] = odd_a + odd_b;
  out[2] = NAMED(fma)(NAMED(splat)(a * a), sum_a, NAMED(splat)(b * b) * sum_b);
  out[3] = NAMED(fma)(NAMED(splat)(a * a), odd_a, NAMED(fma)(NAMED(splat)(b * b), odd_b, rest[2]));
}

// MARK: - Winograd, in two dimensions

HELPER void NAMED(winograd_input_body)(const float *window, size_t row, size_t channels,
                                       int doubled, float *out, size_t stride) {
  const size_t points = doubled ? 5 : 6, pixels = doubled ? 4 : 6;
  for (size_t c = 0; c < channels; c += 16) {
    v16 columns[6][6];
    UNROLL for (size_t x = 0; x < pixels; x++) {
      v16 d[6], at[6];
      UNROLL for (size_t y = 0; y < pixels; y++)
        d[y] = NAMED(load)(window + y * row + x * channels + c);
      NAMED(winograd_points)(d, doubled, at);
      UNROLL for (size_t i = 0; i < points; i++) columns[i][x] = at[i];
    }
    UNROLL for (size_t i = 0; i < points; i++) {
      v16 at[6];
      NAMED(winograd_points)(columns[i], doubled, at);
      UNROLL for (size_t j = 0; j < points; j++)
        NAMED(store)(out + (i * points + j) * stride + c, at[j]);
    }
  }
}

static void NAMED(winograd_input)(const float *window, size_t row, size_t channels, int doubled,
                                  float *out, size_t stride) {
  if (doubled)
    NAMED(winograd_input_body)(window, row, channels, 1, out, stride);
  else
    NAMED(winograd_input_body)(window, row, channels, 0, out, stride);
}

HELPER void NAMED(winograd_weights_body)(const hkv_packed *w, size_t panel, size_t first,
                                         size_t end, int doubled, float *out) {
  const size_t points = doubled ? 5 : 6, channels = w->steps / 3;
  const size_t left = w->columns - 64 * panel < 64 ? w->columns - 64 * panel : 64;
  const float *from = (const float *)w->weights + panel * 64 * w->steps * w->segments;
  for (size_t c = first; c < end; c++)
    for (size_t v = 0; v < left; v += 16) {
      const float *taps = from + c * left + v;
      v16 columns[6][3];
      UNROLL for (size_t x = 0; x < 3; x++) {
        v16 g[3], at[6];
        UNROLL for (size_t y = 0; y < 3; y++)
          g[y] = NAMED(load)(taps + (3 * y + x) * channels * left);
        NAMED(winograd_kernel)(g, doubled, at);
        UNROLL for (size_t i = 0; i < points; i++) columns[i][x] = at[i];
      }
      UNROLL for (size_t i = 0; i < points; i++) {
        v16 at[6];
        NAMED(winograd_kernel)(columns[i], doubled, at);
        UNROLL for (size_t j = 0; j < points; j++)
          NAMED(store)(out + ((i * points + j) * channels + c) * left + v, at[j]);
      }
    }
}

static void NAMED(winograd_weights)(const hkv_packed *w, size_t panel, size_t first, size_t end,
                                    int doubled, float *out) {
  if (doubled)
    NAMED(winograd_weights_body)(w, panel, first, end, 1, out);
  else
    NAMED(winograd_weights_body)(w, panel, first, end, 0, out);
}

HELPER void NAMED(winograd_output_body)(const float *products, size_t stride, int doubled,
                                        const hkv_tile *tile) {
  const size_t points = doubled ? 5 : 6;
  for (size_t c = 0; c < tile->channels; c += 16) {
    v16 columns[4][6];
    UNROLL for (size_t j = 0; j < points; j++) {
      v16 m[6], at[4];
      UNROLL for (size_t i = 0; i < points; i++)
        m[i] = NAMED(load)(products + (i * points + j) * stride + c);
      NAMED(winograd_outputs)(m, doubled, at);
      UNROLL for (size_t y = 0; y < 4; y++) columns[y][j] = at[y];
    }
    const v16 bias = NAMED(load)(tile->bias + c);
    UNROLL for (size_t y = 0; y < 4; y++) {
      if (y >= tile->height) break;
      v16 at[4];
      NAMED(winograd_outputs)(columns[y], doubled, at);
      UNROLL for (size_t x = 0; x < 4; x++) {
        if (x >= tile->width) break;
        size_t place = y * tile->row + x * tile->pixel + c;
        v16 total = at[x] + bias;
        if (tile->add) total += NAMED(load)(tile->add + place);
        NAMED(store)(tile->out + place, total);
      }
    }
  }
}

static void NAMED(winograd_output)(const float *products, size_t stride, int doubled,
                                   const hkv_tile *tile) {
  if (doubled)
    NAMED(winograd_output_body)(products, stride, 1, tile);
  else
    NAMED(winograd_output_body)(products, stride, 0, tile);
}

#undef POINT_A
#undef POINT_B
