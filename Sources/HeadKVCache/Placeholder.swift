// HeadKVCache
