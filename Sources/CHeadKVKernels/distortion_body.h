// What a head loses with fewer rows, for the instruction set LEVEL; part of kernels_body.h.
//
// Sixteen queries are asked at a time, one in each lane: rows and clusters, which they share, are
// read once for all of them, and nothing has to be summed across lanes.

static void NAMED(weigh_queries)(const hkv_queries *asked, const float *keys, const float *queries,
                                 float scale) {
  const size_t dim = asked->dim;
  const v16 infinite = NAMED(splat)(__builtin_inff());
  const i16 seen = (i16)NAMED(load)((const float *)asked->seen);
  v16 top = -infinite;
  for (size_t row = 0; row < asked->rows; row++) {
    const float *key = keys + row * dim;
    v16 sums[4] = {NAMED(splat)(0), NAMED(splat)(0), NAMED(splat)(0), NAMED(splat)(0)};
    size_t d = 0;
    for (; d + 4 <= dim; d += 4)
      UNROLL for (size_t i = 0; i < 4; i++)
        sums[i] = NAMED(fma)(NAMED(splat)(key[d + i]), NAMED(load)(queries + 16 * (d + i)), sums[i]);
    for (; d < dim; d++)
      sums[0] = NAMED(fma)(NAMED(splat)(key[d]), NAMED(load)(queries + 16 * d), sums[0]);
    v16 logit = (sums[0] + sums[1] + (sums[2] + sums[3])) * NAMED(splat)(scale);
    logit = NAMED(select)(seen > (int32_t)row, logit, -infinite);
    top = NAMED(select)(logit > top, logit, top);
    NAMED(store)(asked->logits + 16 * row, logit);
  }
  // A query that sees nothing weighs nothing.
  top = NAMED(select)(top > -infinite, top, NAMED(splat)(0));
  v16 mass = NAMED(splat)(0);
  memset(asked->total, 0, 64 * dim);
  for (size_t row = 0; row < asked->rows; row++) {
    const v16 logit = NAMED(load)(asked->logits + 16 * row) - top;
    const v16 weight = NAMED(splat)(asked->counts[row]) * NAMED(exp)(logit);
    NAMED(store)(asked->logits + 16 * row, logit);
    NAMED(store)(asked->weights + 16 * row, weight);
    mass += weight;
    const float *value = asked->values + row * dim;
    for (size_t d = 0; d < dim; d++) {
      float *total = asked->total + 16 * d;
      NAMED(store)(total, NAMED(fma)(weight, NAMED(splat)(value[d]), NAMED(load)(total)));
    }
  }
  NAMED(store)(asked->mass, mass);
}

/// Adds one number of a row's value to the sums of the old rows and of their clusters, for each query,
/// and returns old + a total + c merged of before.
HELPER v16 NAMED(take_old_row)(const float *total, float *old, float *merged, v16 a, v16 c,
                               v16 weight, float value, v16 change, float sum, v16 part) {
  const v16 was = NAMED(load)(old), clusters = NAMED(load)(merged);
  const v16 error = NAMED(fma)(c, clusters, NAMED(fma)(a, NAMED(load)(total), was));
  NAMED(store)(old, NAMED(fma)(weight, NAMED(splat)(value), was));
  NAMED(store)(merged, NAMED(fma)(part, NAMED(splat)(value),
                                  NAMED(fma)(change, NAMED(splat)(sum), clusters)));
  return error;
}

static void NAMED(pool_errors)(const hkv_queries *asked, const int32_t *cluster_of, size_t clusters,
                               float fewest, float horizon, float *room, double *errors) {
  const size_t dim = asked->dim;
  const float *total = asked->total;
  memset(room, 0, sizeof(float) * hkv_pool_room(dim, clusters));
  // Weighted values of the rows that are old, and of the clusters that stand for them.
  float *old = room, *merged = old + 16 * dim;
  // Of each cluster: the sum of its tokens' values, its tokens, the sum of their logits, and exp of
  // the mean. Without clusters there is one more that nothing is put into.
  const size_t cluster_room = clusters > 0 ? clusters : 1;
  float *sums = merged + 16 * dim, *held = sums + cluster_room * dim;
  float *logits = held + cluster_room, *shares = logits + 16 * cluster_room;
  const i16 seen = (i16)NAMED(load)((const float *)asked->seen);
  const v16 mass = NAMED(load)(asked->mass), one = NAMED(splat)(1);
  v16 old_mass = NAMED(splat)(0), merged_mass = NAMED(splat)(0);
  float old_tokens = 0;
  // Rows before `row` are old, the others are the window and the query's own.
  for (size_t row = asked->prefix; row < asked->rows; row++) {
    v16 growth = one;
    if (horizon > 0 && old_tokens > 0) {
      const v16 window = __builtin_convertvector(seen - (int32_t)row - 1, v16);
      growth = (NAMED(splat)(horizon) - window) / NAMED(splat)(old_tokens);
      growth = NAMED(select)(growth > one, growth, one);
    }
    // The error: kept (total - old + growth merged) - exact (total + (growth - 1) old), which is
    // b (old + a total + c merged).
    const v16 kept = one / (mass - old_mass + growth * merged_mass);
    const v16 exact = one / (mass + (growth - one) * old_mass);
    const v16 b = -kept - exact * (growth - one), a = (kept - exact) / b, c = kept * growth / b;

    const v16 weight = NAMED(load)(asked->weights + 16 * row);
    const float *value = asked->values + row * dim;
    const float count = asked->counts[row];
    old_mass += weight;
    v16 change = NAMED(splat)(0), part = change;
    float *sum = sums;
    if (clusters > 0) {
      const size_t cluster = (size_t)cluster_of[row - asked->prefix];
      float *logit = logits + 16 * cluster, *share = shares + 16 * cluster;
      sum += dim * cluster;
      const v16 was = NAMED(load)(share), tokens = NAMED(splat)(held[cluster] + count);
      const v16 sum_of_logits = NAMED(fma)(
          NAMED(splat)(count), NAMED(load)(asked->logits + 16 * row), NAMED(load)(logit));
      const v16 is = NAMED(exp)(sum_of_logits / tokens);
      merged_mass += is * tokens - was * NAMED(splat)(held[cluster]);
      held[cluster] += count;
      NAMED(store)(logit, sum_of_logits);
      NAMED(store)(share, is);
      change = is - was;
      part = is * NAMED(splat)(count);
    }
    v16 even = NAMED(splat)(0), odd = even;
    size_t d = 0;
    for (; d + 2 <= dim; d += 2) {
      const size_t at = 16 * d;
      const v16 x = NAMED(take_old_row)(total + at, old + at, merged + at, a, c, weight,
                                        value[d], change, sum[d], part);
      const v16 y = NAMED(take_old_row)(total + at + 16, old + at + 16, merged + at + 16, a,
                                        c, weight, value[d + 1], change, sum[d + 1], part);
      even = NAMED(fma)(x, x, even);
      odd = NAMED(fma)(y, y, odd);
    }
    if (d < dim) {
      const size_t at = 16 * d;
      const v16 x = NAMED(take_old_row)(total + at, old + at, merged + at, a, c, weight,
                                        value[d], change, sum[d], part);
      even = NAMED(fma)(x, x, even);
    }
    if (clusters > 0)
      for (size_t i = 0; i < dim; i++) sum[i] += count * value[i];
    if (old_tokens >= fewest) {
      const v16 error = b * b * (even + odd);
      for (size_t i = 0; i < 16; i++) {
        const int32_t window = asked->seen[i] - (int32_t)row - 1;
        if (window >= 0) errors[window] += (double)error[i];
      }
    }
    old_tokens += count;
  }
}
