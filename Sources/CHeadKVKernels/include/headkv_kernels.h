#ifndef HEADKV_KERNELS_H
#define HEADKV_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/// Tells the processor that this thread spins.
static inline void hkv_spin_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

#endif
