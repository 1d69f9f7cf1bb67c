"""Published networks as files of ONNX, for LargeFileTests: python3 large.py FOLDER [NAME ...]

Needs Debian's python3-torch and python3-torchvision. Weights are random, statistics of batch norms too, so that nothing is fetched and
no norm is the identity.
"""
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torchvision import models
from torchvision.models import segmentation


class Output(nn.Module):
    """The map of a segmentation network."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)["out"]


def twice(i, o, norm=nn.BatchNorm2d):
    return nn.Sequential(
        nn.Conv2d(i, o, 3, padding=1, bias=False), norm(o), nn.ReLU(inplace=True),
        nn.Conv2d(o, o, 3, padding=1, bias=False), norm(o), nn.ReLU(inplace=True))


class UNet(nn.Module):
    """Ronneberger's, padded; enlarged by transposed convolutions or bilinearly, to the size of the map that it is joined with."""

    def __init__(self, transposed, norm=nn.BatchNorm2d, widths=(32, 64, 128, 256)):
        super().__init__()
        self.down = nn.ModuleList(twice(i, o, norm) for i, o in zip((3, *widths), widths))
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(o, i, 2, 2) if transposed else nn.Conv2d(o, i, 1) for i, o in zip(widths, widths[1:]))
        self.up = nn.ModuleList(twice(2 * width, width, norm) for width in widths[:-1])
        self.transposed = transposed
        self.out = nn.Conv2d(widths[0], 4, 1)

    def forward(self, x):
        maps = []
        for step in self.down:
            x = step(x if not maps else F.max_pool2d(x, 2))
            maps.append(x)
        for i in reversed(range(len(self.up))):
            x = self.enlarge[i](x)
            if not self.transposed:
                x = F.interpolate(x, size=maps[i].shape[2:], mode="bilinear", align_corners=False)
            x = self.up[i](torch.cat([maps[i], x], 1))
        return self.out(x)


class ResNetUNet(nn.Module):
    """A residual encoder, and a decoder that doubles by repeating pixels."""

    def __init__(self):
        super().__init__()
        self.encoder = models.resnet34(weights=None)
        widths = (64, 64, 128, 256, 512)
        self.decoder = nn.ModuleList(twice(o + i, i) for i, o in zip(widths, widths[1:]))
        self.last = twice(64, 32)
        self.out = nn.Conv2d(32, 4, 3, padding=1)

    def forward(self, x):
        e = self.encoder
        maps = [e.relu(e.bn1(e.conv1(x)))]
        x = e.maxpool(maps[0])
        for layer in (e.layer1, e.layer2, e.layer3, e.layer4):
            x = layer(x)
            maps.append(x)
        for i in reversed(range(len(self.decoder))):
            x = self.decoder[i](torch.cat([F.interpolate(x, scale_factor=2.0), maps[i]], 1))
        return self.out(self.last(F.interpolate(x, scale_factor=2.0)))


def groups(channels):
    return nn.GroupNorm(8, channels)


OF_CLASSES = [
    "resnet18", "resnet50", "resnext50_32x4d", "convnext_tiny", "efficientnet_b0", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large",
    "regnet_y_400mf", "densenet121", "inception_v3", "googlenet", "shufflenet_v2_x1_0", "squeezenet1_1", "mnasnet1_0",
]
OF_MAPS = {name: lambda name=name: Output(getattr(segmentation, name)(weights=None, weights_backbone=None))
           for name in ("fcn_resnet50", "deeplabv3_resnet50", "lraspp_mobilenet_v3_large")}
OWN = {
    # Its classifier binds the image's size.
    "vgg16_bn_features": lambda: models.vgg16_bn(weights=None).features,
    "unet_transposed": lambda: UNet(transposed=True),
    "unet_bilinear_groups": lambda: UNet(transposed=False, norm=groups),
    "unet_resnet34": ResNetUNet,
}


def network(name):
    if name in OF_MAPS:
        return OF_MAPS[name]()
    if name in OWN:
        return OWN[name]()
    more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return getattr(models, name)(weights=None, **more)


folder, *names = sys.argv[1:]
for name in names or [*OF_CLASSES, *OF_MAPS, *OWN]:
    torch.manual_seed(0)
    made = network(name).eval()
    for module in made.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.GroupNorm)):
            module.weight.data.uniform_(0.7, 1.3)
            module.bias.data.normal_(0, 0.1)
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.7, 1.3)
    torch.onnx.export(
        made, torch.randn(1, 3, 299 if name == "inception_v3" else 224, 299 if name == "inception_v3" else 224), f"{folder}/{name}.onnx",
        opset_version=13, do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE, input_names=["image"], output_names=["output"],
        dynamic_axes={"image": {0: "n", 2: "height", 3: "width"}})
    print(name, flush=True)
