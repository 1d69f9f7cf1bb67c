#!/usr/bin/env python3
"""Makes the cases beside this file: blocks of torchvision's Swin Transformer on maps of odd sizes, by PyTorch in float64.

A description (JSON) and its tensors (little-endian float64). Debian's python3-torchvision is enough:
    python3 swin.py
"""
import json
import pathlib
import struct

import torch
from torch import nn
from torchvision.models.swin_transformer import PatchMerging, SwinTransformerBlock

HERE = pathlib.Path(__file__).parent
# Maps of the first size are padded on both axes; of the second, one window covers the rows, which are not shifted then.
SIZES = {"odd": (9, 13), "low": (3, 15)}

torch.manual_seed(11)
network = nn.Sequential(
    SwinTransformerBlock(4, 2, [4, 4], [0, 0]), SwinTransformerBlock(4, 2, [4, 4], [2, 2]), PatchMerging(4),
    SwinTransformerBlock(8, 2, [4, 4], [1, 1])).double().eval()
with torch.no_grad():
    for parameter in network.parameters():
        parameter.uniform_(-0.9, 0.9)
tensors = {f"state.{key}": value.clone() for key, value in network.state_dict().items() if value.is_floating_point()}
for name, size in SIZES.items():
    network.zero_grad()
    image = torch.randn(2, 4, *size, dtype=torch.float64, requires_grad=True)
    output = network(image.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    given = torch.randn_like(output)
    output.backward(given)
    tensors |= {f"{name}.image": image, f"{name}.output": output, f"{name}.grad_output": given, f"{name}.grad.image": image.grad}
    tensors |= {f"{name}.grad.{key}": parameter.grad.clone() for key, parameter in network.named_parameters()}

described, data = [], b""
for key, value in tensors.items():
    numbers = value.detach().flatten().tolist()
    described.append({"name": key, "shape": list(value.shape), "offset": len(data), "count": len(numbers)})
    data += struct.pack(f"<{len(numbers)}d", *numbers)
(HERE / "swin.bin").write_bytes(data)
(HERE / "swin.json").write_text(json.dumps({"tensors": described}, separators=(",", ":")) + "\n")
