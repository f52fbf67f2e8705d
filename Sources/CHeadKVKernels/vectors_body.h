// Short loops over single rows, for the instruction set LEVEL; part of kernels_body.h.

static void NAMED(add_scaled)(float a, const float *x, float *y, size_t n) {
  for (size_t at = 0; at < n; at += 16) {
    const v16 sum = NAMED(fma)(NAMED(splat)(a), NAMED(load_filled)(x + at, n - at, 0),
                               NAMED(load_filled)(y + at, n - at, 0));
    NAMED(store_some_f32)(y + at, sum, n - at);
  }
}

static float NAMED(squared_distance)(const float *x, const float *y, size_t n) {
  v16 sum = NAMED(splat)(0);
  for (size_t at = 0; at < n; at += 16) {
    const v16 difference =
        NAMED(load_filled)(x + at, n - at, 0) - NAMED(load_filled)(y + at, n - at, 0);
    sum = NAMED(fma)(difference, difference, sum);
  }
  return NAMED(sum)(sum);
}

static void NAMED(regroup)(float *merged, float *sum, const float *value, float a, float b, float c,
                           size_t n) {
  for (size_t at = 0; at < n; at += 16) {
    const v16 s = NAMED(load_filled)(sum + at, n - at, 0);
    const v16 v = NAMED(load_filled)(value + at, n - at, 0);
    v16 m = NAMED(load_filled)(merged + at, n - at, 0);
    m = NAMED(fma)(NAMED(splat)(a), s, NAMED(fma)(NAMED(splat)(b), v, m));
    NAMED(store_some_f32)(merged + at, m, n - at);
    NAMED(store_some_f32)(sum + at, NAMED(fma)(NAMED(splat)(c), v, s), n - at);
  }
}

static float NAMED(output_error)(const float *total, const float *merged, const float *old, float a,
                                 float b, float c, float d, size_t n) {
  v16 sum = NAMED(splat)(0);
  for (size_t at = 0; at < n; at += 16) {
    const v16 t = NAMED(load_filled)(total + at, n - at, 0);
    const v16 o = NAMED(load_filled)(old + at, n - at, 0);
    const v16 m = NAMED(load_filled)(merged + at, n - at, 0);
    const v16 kept = NAMED(splat)(a) * NAMED(fma)(NAMED(splat)(b), m, t - o);
    const v16 error = kept - NAMED(splat)(c) * NAMED(fma)(NAMED(splat)(d), o, t);
    sum = NAMED(fma)(error, error, sum);
  }
  return NAMED(sum)(sum);
}
