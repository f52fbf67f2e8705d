#include "allocation_counter.h"

// Any header of the C library defines which library it is.
#include <stddef.h>
#include <stdlib.h>

// A sanitizer has an allocator of its own.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEADKV_SANITIZED 1
#endif

#if defined(__linux__) && defined(__GLIBC__) && !defined(HEADKV_SANITIZED)
#include <errno.h>

// The test executable's definitions take the place of the C library's, which stay reachable under
// their internal names.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static __thread long count;

long headkv_thread_allocations(void) { return count; }

void *malloc(size_t size) {
  count++;
  return __libc_malloc(size);
}

void *calloc(size_t items, size_t size) {
  count++;
  return __libc_calloc(items, size);
}

void *realloc(void *old, size_t size) {
  count++;
  return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count++;
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  count++;
  *result = __libc_memalign(alignment, size);
  return *result ? 0 : ENOMEM;
}
#else
long headkv_thread_allocations(void) { return -1; }
#endif
