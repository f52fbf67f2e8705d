@_exported public import HeadKVCache
@_exported public import HeadKVImage
@_exported public import HeadKVModels
@_exported public import HeadKVWeights
