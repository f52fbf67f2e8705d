"""The decoder of LlamaGen's VQ-16 in PyTorch, with random weights. What peers.py compares
`headkv-bench parts --only vq` with.
"""

import time

import torch
import torch.nn.functional as F
from torch import nn


def norm(channels):
    return nn.GroupNorm(32, channels, eps=1e-6)


class Residual(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm1, self.conv1 = norm(inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2, self.conv2 = norm(outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x):
        y = self.conv1(F.silu(self.norm1(x)))
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(y)))


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm, self.qkv = norm(channels), nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        q, k, v = (t.flatten(2).mT.unsqueeze(1) for t in self.qkv(self.norm(x)).chunk(3, 1))
        mixed = F.scaled_dot_product_attention(q, k, v).squeeze(1).mT.reshape(x.shape)
        return x + self.out(mixed)


class Doubling(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


def vq16():
    layers = [nn.Conv2d(8, 256, 1), nn.Conv2d(256, 512, 3, padding=1)]
    layers += [Residual(512, 512), Attention(512), Residual(512, 512)]
    channels = 512
    for level, outputs in enumerate([512, 256, 256, 128, 128]):
        for _ in range(3):
            layers.append(Residual(channels, outputs))
            channels = outputs
            if level == 0:
                layers.append(Attention(channels))
        if level < 4:
            layers.append(Doubling(channels))
    layers += [norm(128), nn.SiLU(), nn.Conv2d(128, 3, 3, padding=1)]
    return nn.Sequential(*layers).eval()


class Tokenizer:
    """Decodes a picture of 256 x 256 pixels, channels last."""

    def __init__(self):
        self.model = vq16().to(memory_format=torch.channels_last)
        self.codes = F.normalize(torch.randn(1, 8, 16, 16), dim=1)

    @torch.no_grad()
    def seconds(self):
        start = time.perf_counter()
        self.model(self.codes.contiguous(memory_format=torch.channels_last))
        return time.perf_counter() - start
