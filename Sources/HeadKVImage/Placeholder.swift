// HeadKVImage
