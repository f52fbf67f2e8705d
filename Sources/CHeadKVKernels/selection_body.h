// Finding the largest of some numbers, for the instruction set LEVEL; part of kernels_body.h.

static void NAMED(extent)(const float *x, size_t n, float *least, float *most) {
  v16 low = NAMED(splat)(__builtin_inff()), high = -low;
  for (size_t at = 0; at < n; at += 16) {
    // NaN is neither less nor more.
    const v16 a = NAMED(load_filled)(x + at, n - at, __builtin_nanf(""));
    low = NAMED(select)(a < low, a, low);
    high = NAMED(select)(a > high, a, high);
  }
  *least = -NAMED(largest)(-low);
  *most = NAMED(largest)(high);
}

static void NAMED(count_at_least)(const float *x, size_t n, const float *bounds,
                                  uint32_t *counts) {
  // Few sums at a time stay in registers, and few numbers in the first cache.
  const size_t block = 2048;
  memset(counts, 0, 8 * sizeof *counts);
  for (size_t from = 0; from < n; from += block) {
    const size_t end = n - from < block ? n : from + block;
    for (size_t first = 0; first < 8; first += 4) {
      v16 bound[4];
      i16 sum[4];
      UNROLL for (int j = 0; j < 4; j++) {
        bound[j] = NAMED(splat)(bounds[first + (size_t)j]);
        sum[j] = (i16)NAMED(splat)(0);
      }
      for (size_t at = from; at < end; at += 16) {
        const v16 a = NAMED(load_filled)(x + at, end - at, __builtin_nanf(""));
        // A lane that holds is -1.
        UNROLL for (int j = 0; j < 4; j++) sum[j] -= (i16)(a >= bound[j]);
      }
      UNROLL for (int j = 0; j < 4; j++)
        for (int lane = 0; lane < 16; lane++)
          counts[first + (size_t)j] += (uint32_t)sum[j][lane];
    }
  }
}

static size_t NAMED(list_between)(const float *x, size_t n, float least, float below,
                                  int32_t *list) {
  size_t listed = 0;
#if LEVEL >= AVX512
  const __m512 low = _mm512_set1_ps(least), high = _mm512_set1_ps(below);
  for (size_t at = 0; at < n; at += 16) {
    const __mmask16 inside = n - at >= 16 ? 0xffff : (__mmask16)((1u << (n - at)) - 1);
    const __m512 a = _mm512_maskz_loadu_ps(inside, x + at);
    const __mmask16 takes = _mm512_mask_cmp_ps_mask(inside, a, low, _CMP_GE_OQ) &
                            _mm512_cmp_ps_mask(a, high, _CMP_NGE_UQ);
    listed += NAMED(list_lanes)(list + listed, takes, at);
  }
#else
  for (size_t i = 0; i < n; i++) {
    // Never beyond the end: no more are listed than have been looked at.
    list[listed] = (int32_t)i;
    listed += (x[i] >= least) & !(x[i] >= below);
  }
#endif
  return listed;
}
