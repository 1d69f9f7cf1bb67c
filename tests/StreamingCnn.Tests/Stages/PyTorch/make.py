#!/usr/bin/env python3
"""Makes the cases beside this file: small networks with global quantities, run by PyTorch on the whole image in float64.

Each case is a description (JSON) and its tensors (little-endian float64). Debian's python3-torch is enough:
    python3 make.py
"""
import json
import pathlib
import struct

import torch
from torch import nn

HERE = pathlib.Path(__file__).parent


class Gate(nn.Module):
    """Squeeze-and-excite as torchvision has it."""

    def __init__(self, channels, squeezed):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        scale = torch.nn.functional.adaptive_avg_pool2d(x, 1)
        return x * torch.sigmoid(self.fc2(torch.relu(self.fc1(scale))))


class ResponseNorm(nn.Module):
    """Global response normalisation of ConvNeXt V2, channels first."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(channels))
        self.bias = nn.Parameter(torch.rand(channels))

    def forward(self, x):
        lengths = x.norm(p=2, dim=(2, 3), keepdim=True)
        response = lengths / (lengths.mean(dim=1, keepdim=True) + 1e-6)
        return x + torch.addcmul(self.bias.view(1, -1, 1, 1), self.weight.view(1, -1, 1, 1), x * response)


def conv(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)


# Of each network the layers in their order; the description names them for those who build the same.
CASES = {
    "batch_norm": [("conv", conv(2, 3)), ("batch_norm", nn.BatchNorm2d(3, momentum=0.3)), ("relu", nn.ReLU()),
                   ("conv", conv(3, 2, 2)), ("batch_norm", nn.BatchNorm2d(2, affine=False))],
    "batch_norm_without_momentum": [("conv", conv(2, 3)), ("batch_norm", nn.BatchNorm2d(3, momentum=None))],
    "batch_norm_without_running": [("conv", conv(2, 3)), ("batch_norm", nn.BatchNorm2d(3, track_running_stats=False))],
    "group_norm": [("conv", conv(2, 4)), ("group_norm", nn.GroupNorm(2, 4)), ("relu", nn.ReLU()), ("conv", conv(4, 2))],
    "instance_norm": [("conv", conv(2, 3)), ("instance_norm", nn.InstanceNorm2d(3)), ("conv", conv(3, 2))],
    "instance_norm_with_affine_and_running": [
        ("conv", conv(2, 3)), ("instance_norm", nn.InstanceNorm2d(3, affine=True, track_running_stats=True)), ("conv", conv(3, 2))],
    "average_pooling": [("conv", conv(2, 3)), ("average_pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()),
                        ("linear", nn.Linear(3, 2))],
    "average_pooling_into_bins": [("conv", conv(2, 3)), ("average_pool", nn.AdaptiveAvgPool2d((3, 2))), ("flatten", nn.Flatten()),
                                  ("linear", nn.Linear(18, 2))],
    "max_pooling": [("conv", conv(2, 3)), ("max_pool", nn.AdaptiveMaxPool2d(1)), ("flatten", nn.Flatten()), ("linear", nn.Linear(3, 2))],
    "max_pooling_into_bins": [("conv", conv(2, 3)), ("max_pool", nn.AdaptiveMaxPool2d((2, 3))), ("flatten", nn.Flatten()),
                              ("linear", nn.Linear(18, 2))],
    "gate": [("conv", conv(2, 4)), ("gate", Gate(4, 2)), ("conv", conv(4, 2))],
    "response_norm": [("conv", conv(2, 4)), ("response_norm", ResponseNorm(4)), ("conv", conv(4, 2))],
}


def settings(layer):
    """What its constructor was told."""
    names = ["in_channels", "out_channels", "stride", "num_features", "num_groups", "num_channels", "momentum", "affine",
             "track_running_stats", "output_size", "in_features", "out_features"]
    return {name: getattr(layer, name) for name in names if hasattr(layer, name)}


def make(name, layers):
    torch.manual_seed(len(name))
    network = nn.Sequential(*[layer for _, layer in layers]).double().train()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(-1, 1)
    tensors = {f"state.{key}": value.clone() for key, value in network.state_dict().items()}
    image = torch.randn(2, 2, 7, 9, dtype=torch.float64, requires_grad=True)
    tensors["image"] = image
    # Two steps, so that running statistics follow two batches; of the first one everything is kept.
    output = network(image)
    tensors["output"] = output
    tensors["grad_output"] = torch.randn_like(output)
    output.backward(tensors["grad_output"])
    tensors["grad.image"] = image.grad
    tensors |= {f"grad.{key}": parameter.grad for key, parameter in network.named_parameters()}
    with torch.no_grad():
        network(image * 0.5 + 1)
    tensors |= {f"after.{key}": value for key, value in network.named_buffers()}

    described, data = [], b""
    for key, value in tensors.items():
        value = value.detach().double().flatten().tolist() if value.dim() else [float(value)]
        described.append({"name": key, "shape": list(tensors[key].shape), "offset": len(data), "count": len(value)})
        data += struct.pack(f"<{len(value)}d", *value)
    (HERE / f"{name}.bin").write_bytes(data)
    description = {"layers": [{"op": op, **settings(layer)} for op, layer in layers], "tensors": described}
    (HERE / f"{name}.json").write_text(json.dumps(description, indent=None, separators=(",", ":")) + "\n")


for case, parts in CASES.items():
    make(case, parts)
