#!/usr/bin/env python3
"""Makes the scripts beside this file. Debian's python3-torch is enough:
    python3 make.py
"""
import io
import pathlib
import zipfile

import torch
from torch import nn

HERE = pathlib.Path(__file__).parent


class Trunk(nn.Module):
    """A small network with a branch, whose forward is a method."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 5, stride=2, padding=2)
        self.norm = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.pool = nn.MaxPool2d(3, 2, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        entered = self.norm(self.first(image)).relu()
        return self.pool(entered + self.second(entered).sigmoid())


class Whole(nn.Module):
    """A network that looks at the whole image."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image - image.mean()


def save(module, name):
    """Saves a script without the places in this file that its lines came from."""
    whole = io.BytesIO()
    torch.jit.save(torch.jit.script(module), whole)
    with zipfile.ZipFile(whole) as given, zipfile.ZipFile(HERE / name, "w", zipfile.ZIP_STORED) as made:
        for entry in given.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                made.writestr(zipfile.ZipInfo(entry.filename), given.read(entry))


torch.manual_seed(7)
trunk = Trunk()
with torch.no_grad():
    trunk.norm.running_mean.normal_(0, 0.1)
    trunk.norm.running_var.uniform_(0.5, 1.5)
save(trunk.eval(), "trunk.pt")
save(Whole(), "whole.pt")
