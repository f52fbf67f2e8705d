"""The decode step of a LlamaGen-sized transformer in PyTorch, with random weights: a static cache of
full length, a boolean mask row a step, scaled_dot_product_attention over the whole cache,
conditional and unconditional rows in one batch. What peers.py compares headkv-bench with.
"""

import time

import torch
import torch.nn.functional as F
from torch import nn

SIZES = {  # layers, heads, width
    "B": (12, 12, 768),
    "L": (24, 16, 1024),
    "XL": (36, 20, 1280),
}
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
VOCABULARY = 16384


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        y = x.float()
        y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-5)
        return y.type_as(x) * self.weight


def rotate(x, turns):
    """Interleaved pairs of x [batch, 1, heads, size] by turns [1, size / 2, 2]."""
    pairs = x.float().unflatten(-1, (-1, 2))
    turns = turns.view(1, 1, 1, -1, 2)
    out = torch.stack(
        [
            pairs[..., 0] * turns[..., 0] - pairs[..., 1] * turns[..., 1],
            pairs[..., 1] * turns[..., 0] + pairs[..., 0] * turns[..., 1],
        ],
        -1,
    )
    return out.flatten(3).type_as(x)


class Block(nn.Module):
    def __init__(self, heads, width, batch, length, dtype):
        super().__init__()
        hidden = (8 * width // 3 + 255) // 256 * 256
        self.heads, self.size = heads, width // heads
        self.norm1, self.norm2 = Norm(width), Norm(width)
        self.wqkv = nn.Linear(width, 3 * width, bias=False)
        self.wo = nn.Linear(width, width, bias=False)
        self.w1 = nn.Linear(width, hidden, bias=False)
        self.w3 = nn.Linear(width, hidden, bias=False)
        self.w2 = nn.Linear(hidden, width, bias=False)
        cache = torch.zeros(batch, heads, length, self.size, dtype=dtype)
        self.register_buffer("k", cache.clone())
        self.register_buffer("v", cache.clone())

    def forward(self, x, turns, position, mask):
        batch = x.shape[0]
        q, k, v = self.wqkv(self.norm1(x)).split(x.shape[-1], -1)
        shape = (batch, 1, self.heads, self.size)
        q, k = rotate(q.view(shape), turns), rotate(k.view(shape), turns)
        self.k[:, :, position] = k.transpose(1, 2)
        self.v[:, :, position] = v.view(shape).transpose(1, 2)
        a = F.scaled_dot_product_attention(q.transpose(1, 2), self.k, self.v, attn_mask=mask)
        x = x + self.wo(a.transpose(1, 2).reshape(batch, 1, -1))
        y = self.norm2(x)
        return x + self.w2(F.silu(self.w1(y)) * self.w3(y))


class Transformer(nn.Module):
    def __init__(self, shape, grid, images, dtype):
        super().__init__()
        layers, heads, width = SIZES[shape]
        self.length = (grid**2 + 1 + 7) // 8 * 8
        self.blocks = nn.ModuleList(
            Block(heads, width, 2 * images, self.length, dtype) for _ in range(layers)
        )
        self.embedding = nn.Embedding(VOCABULARY, width)
        self.norm, self.output = Norm(width), nn.Linear(width, VOCABULARY, bias=False)
        self.to(dtype)
        self.register_buffer("turns", torch.rand(self.length, width // heads // 2, 2))
        causal = torch.tril(torch.ones(self.length, self.length, dtype=torch.bool))
        self.register_buffer("causal", causal)

    def forward(self, token, position):
        """The greedy token after token [batch, 1] under guidance, for both halves of the batch."""
        x = self.embedding(token)
        mask, turns = self.causal[position].view(1, 1, 1, -1), self.turns[position]
        for block in self.blocks:
            x = block(x, turns, position, mask)
        cond, uncond = self.output(self.norm(x)).float().chunk(2)
        return (uncond + 4 * (cond - uncond))[:, -1].argmax(-1, keepdim=True).repeat(2, 1)


class Decoder:
    """A transformer that draws, as it is or compiled."""

    def __init__(self, model, images, grid, compiled):
        self.positions = [torch.tensor([i]) for i in range(grid**2)]
        self.token = torch.zeros(2 * images, 1, dtype=torch.long)
        self.step = torch.compile(model, dynamic=False, fullgraph=True) if compiled else model

    @torch.no_grad()
    def seconds(self, steps):
        """Seconds of a step, in the mean over `steps` of them."""
        token = self.token
        start = time.perf_counter()
        for position in self.positions[1 : steps + 1]:
            token = self.step(token, position)
        return (time.perf_counter() - start) / steps
