#include "headkv_kernels.h"
