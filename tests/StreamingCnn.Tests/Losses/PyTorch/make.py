#!/usr/bin/env python3
"""Makes the cases beside this file: losses of small maps and their gradients, by PyTorch in float64.

A description (JSON) and its tensors (little-endian float64). Debian's python3-torch is enough:
    python3 make.py
"""
import json
import pathlib
import struct

import torch
from torch.nn import functional

HERE = pathlib.Path(__file__).parent
torch.manual_seed(5)
WEIGHTS = torch.tensor([0.5, 2, 1.25], dtype=torch.float64)
CLASSES = torch.randint(0, 3, (2, 5, 7)).masked_fill(torch.rand(2, 5, 7) < 0.2, 255)
SOFT = torch.rand(2, 3, 5, 7, dtype=torch.float64)
NUMBERS = torch.randn(2, 3, 5, 7, dtype=torch.float64)
PER_CHANNEL = WEIGHTS.view(3, 1, 1)

CASES = {
    "cross_entropy": (CLASSES, lambda z, t: functional.cross_entropy(z, t, WEIGHTS, ignore_index=255)),
    "cross_entropy_sum": (CLASSES, lambda z, t: functional.cross_entropy(z, t, WEIGHTS, ignore_index=255, reduction="sum")),
    "binary_cross_entropy": (SOFT, lambda z, t: functional.binary_cross_entropy_with_logits(z, t, pos_weight=PER_CHANNEL)),
    "l1": (NUMBERS, functional.l1_loss),
    "l2": (NUMBERS, functional.mse_loss),
    "huber": (NUMBERS, lambda z, t: functional.huber_loss(z, t, delta=0.6)),
    "smooth_l1": (NUMBERS, lambda z, t: functional.smooth_l1_loss(z, t, beta=0.6)),
}

tensors = {}
for name, (target, loss) in CASES.items():
    # Large ones too, whose exponentials would overflow or vanish.
    output = torch.randn(2, 3, 5, 7, dtype=torch.float64) * torch.tensor([1.0, 50.0], dtype=torch.float64).view(2, 1, 1, 1)
    output.requires_grad_()
    value = loss(output, target)
    value.backward()
    tensors |= {f"{name}.output": output, f"{name}.target": target, f"{name}.loss": value, f"{name}.grad": output.grad}

described, data = [], b""
for key, value in tensors.items():
    numbers = value.detach().double().flatten().tolist()
    described.append({"name": key, "shape": list(value.shape), "offset": len(data), "count": len(numbers)})
    data += struct.pack(f"<{len(numbers)}d", *numbers)
(HERE / "losses.bin").write_bytes(data)
(HERE / "losses.json").write_text(json.dumps({"tensors": described}, separators=(",", ":")) + "\n")
