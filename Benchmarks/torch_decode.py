"""Times the decode step of a LlamaGen-sized transformer in PyTorch, for comparison with
headkv-bench: a static cache of full length, a boolean mask row a step, scaled_dot_product_attention
over the whole cache, conditional and unconditional rows in one batch.

    python3 Benchmarks/torch_decode.py --images 1 --steps 64 --dtype f32

Needs `pip install torch`. Prints one JSON object.
"""

import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

SIZES = {  # layers, heads, width
    "GPT-B": (12, 12, 768),
    "GPT-L": (24, 16, 1024),
    "GPT-XL": (36, 20, 1280),
}


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


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--preset", default="GPT-B", choices=SIZES)
    parser.add_argument("--grid", type=int, default=16)
    parser.add_argument("--images", type=int, default=1)
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", default="f32", choices=["f32", "bf16"])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    dtype = torch.float32 if args.dtype == "f32" else torch.bfloat16
    layers, heads, width = SIZES[args.preset]
    batch, length = 2 * args.images, (args.grid**2 + 1 + 7) // 8 * 8
    blocks = nn.ModuleList(Block(heads, width, batch, length, dtype) for _ in range(layers))
    embedding, norm = nn.Embedding(16384, width), Norm(width)
    output = nn.Linear(width, 16384, bias=False)
    for module in (blocks, embedding, norm, output):
        module.to(dtype)
    turns = torch.rand(length, width // heads // 2, 2)
    causal = torch.tril(torch.ones(length, length, dtype=torch.bool))
    position_of = [torch.tensor([i]) for i in range(length)]
    times = []
    for _ in range(args.rounds):
        token = torch.zeros(batch, 1, dtype=torch.long)
        start = time.perf_counter()
        for step in range(args.steps):
            position = position_of[step + 1]
            x, mask = embedding(token), causal[position].view(1, 1, 1, -1)
            for block in blocks:
                x = block(x, turns[position], position, mask)
            logits = output(norm(x)).float()
            cond, uncond = logits.chunk(2)
            token = (uncond + 4 * (cond - uncond))[:, -1].argmax(-1, keepdim=True).repeat(2, 1)
        times.append((time.perf_counter() - start) / args.steps * 1000)
    print(json.dumps({
        "preset": args.preset, "grid": args.grid, "images": args.images, "dtype": args.dtype,
        "threads": args.threads, "torch": torch.__version__, "steps": args.steps,
        "milliseconds": round(statistics.median(times), 2), "fastest": round(min(times), 2),
        "slowest": round(max(times), 2),
    }))


main()
