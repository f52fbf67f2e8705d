#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

/// Heap allocations that the calling thread has made; -1 where they cannot be counted.
long headkv_thread_allocations(void);

#endif
