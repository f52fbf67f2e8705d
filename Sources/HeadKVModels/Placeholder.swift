// HeadKVModels
