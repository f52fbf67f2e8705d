// HeadKV
