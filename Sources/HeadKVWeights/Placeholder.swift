// HeadKVWeights
