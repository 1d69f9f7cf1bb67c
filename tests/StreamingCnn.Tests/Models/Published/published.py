"""Writes published.txt: what torchvision and timm say of the networks that the catalogue has of them.

    python3 published.py > published.txt          (torch 1.13, torchvision 0.14; timm from its sources, 1.0)
    python3 published.py swin_t >> published.txt  (some of them)

For each network: a digest of all names and shapes, numbers, and, of the smallest of each family, the names and shapes themselves and what a
step gives in float64, with weights that PublishedNetworkTests makes in the same way.
"""
import hashlib
import math
import sys

import torch
import torchvision

TORCHVISION = ["efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "mobilenet_v3_small", "mobilenet_v3_large",
               "regnet_y_400mf", "regnet_y_800mf", "regnet_y_1_6gf", "regnet_y_3_2gf", "resnet18", "convnext_tiny", "swin_t", "swin_s"]
TIMM = ["convnextv2_atto", "convnextv2_femto", "convnextv2_pico", "convnextv2_nano", "convnextv2_tiny", "resnet50_gn"]
IN_FULL = ["efficientnet_b0", "mobilenet_v3_small", "regnet_y_400mf", "convnextv2_atto"]
RUN = IN_FULL + ["resnet18", "resnet50_gn", "swin_t"]
CLASSES = 5


def network(name, classes):
    if name in TORCHVISION:
        return getattr(torchvision.models, name)(weights=None, num_classes=classes)
    import timm
    return timm.create_model(name, pretrained=False, num_classes=classes)


def wave(count, shift):
    return torch.sin(0.7391 * torch.arange(1, count + 1, dtype=torch.float64) + 1.3 * shift)


def fill(net):
    for index, (name, value) in enumerate(sorted(net.state_dict().items())):
        if value.dim() == 0 or not value.is_floating_point():
            continue
        values = wave(value.numel(), index).reshape(value.shape)
        if value.dim() > 1:
            values = values * 2 / math.sqrt(value[0].numel())
        elif name.endswith("grn.weight"):
            pass
        elif name.endswith("weight"):
            values = 1 + 0.2 * values
        elif name.endswith("running_var"):
            values = 1 + 0.3 * values
        else:
            values = 0.1 * values
        value.copy_(values)


def numbers(values):
    return " ".join(f"{float(value):.13g}" for value in values.flatten())


def main():
    torch.set_num_threads(1)
    for name in sys.argv[1:] or TORCHVISION + TIMM:
        torch.manual_seed(0)
        net = network(name, 1000)
        lines = [f"{key} {'x'.join(map(str, value.shape))}" for key, value in sorted(net.state_dict().items())]
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        norms = {(m.eps, m.momentum) for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)} or {(0, 0)}
        ((eps, momentum),) = norms
        print(f"network {name} parameters {sum(p.numel() for p in net.parameters())} eps {eps} momentum {momentum} digest {digest}")
        for line in lines if name in IN_FULL else []:
            print(f"  {line}")
        if name not in RUN:
            continue
        net = network(name, CLASSES).double()
        with torch.no_grad():
            fill(net)
        for module in net.modules():
            if hasattr(module, "p"):
                module.p = 0.0
        count = 2 * 3 * 75 * 90
        image = (wave(count, 0) * torch.cos(0.0113 * torch.arange(count, dtype=torch.float64))).reshape(2, 3, 75, 90)
        print("  evaluation", numbers(net.eval()(image).detach()))
        output = net.train()(image)
        print("  training", numbers(output.detach()))
        (output * wave(output.numel(), 2).reshape(output.shape)).sum().backward()
        print("  gradients", numbers(torch.stack([p.grad.norm() for _, p in sorted(net.named_parameters())])))
        print("  statistics", numbers(torch.stack([b.double().norm() for _, b in sorted(net.named_buffers())] or [torch.zeros(())])))


main()
