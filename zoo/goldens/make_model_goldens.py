"""Makes models.json: what PyTorch's and torchvision's models answer with seeded weights.

Weights and images come from the generator seeded(), which zoo/model_goldens.h has too. PyTorch
computes in double, so that all rounding that a comparison sees is ours.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

LOGITS = 20  # of each model, evenly spread


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def seeded(name, shape):
    """Uniform in [-1, 1), 23 bits: splitmix64 of the element's number, from the name's hash on."""
    count = math.prod(shape)
    with np.errstate(over="ignore"):
        z = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z += np.uint64(fnv1a(name.encode()))
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    bits = (z >> np.uint64(41)).astype(np.int64) - 2**22
    return (bits * 2.0**-22).astype(np.float32).reshape(shape)


def seeded_tensor(name, shape):
    u = seeded(name, shape)
    if len(shape) > 1:
        return u * np.float32(math.sqrt(6 / math.prod(shape[1:])))
    if name.endswith((".weight", ".running_var")):
        return np.float32(1) + u / 2
    return u / 2


def fit_batch_norms(model, exponents):
    """Before each batch norm: statistics times a power of two, so that its output has order 1."""

    def fit(path):
        def hook(norm, inputs):
            k = round(math.log2(inputs[0].square().mean().sqrt().item()))
            norm.running_mean.mul_(2.0**k)
            norm.running_var.mul_(4.0**k)
            if k != 0:
                exponents[path] = k

        return hook

    for path, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_pre_hook(fit(path))


def bits_sum(state):
    """Of the float tensors' bits as integers, modulo 2^64."""
    floats = [t.float().numpy() for t in state.values() if t.is_floating_point()]
    return sum(int(t.view(np.uint32).sum(dtype=np.uint64)) for t in map(np.atleast_1d, floats))


def some(logits):
    logits = logits.flatten()
    chosen = logits[:: max(1, len(logits) // LOGITS)]
    return {
        "logits": [float(f"{v:.9g}") for v in chosen.tolist()],
        "rms": float(f"{logits.square().mean().sqrt().item():.9g}"),
    }


def golden(model, side, heads=False):
    model.eval()
    # Only this makes torchvision's models show what their auxiliary heads say.
    model.training = heads
    state = model.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            tensor.copy_(torch.from_numpy(seeded_tensor(name, tuple(tensor.shape))))
    model.double()
    exponents = {}
    fit_batch_norms(model, exponents)
    x = torch.from_numpy(2 * seeded("input", (1, 3, side, side))).double()
    with torch.no_grad():
        y = model(x)
    outputs = [y] if torch.is_tensor(y) else [y[0], *reversed(y[1:])]
    state = model.state_dict()
    lines = sorted(f"{name} {list(tensor.shape)}\n" for name, tensor in state.items())
    return {
        "tensors": len(state),
        "names": f"{fnv1a(''.join(lines).encode()):016x}",
        "weights": f"{bits_sum(state) % 2**64:016x}",
        "side": side,
        "exponents": exponents,
        "outputs": [some(output) for output in outputs],
    }


class MobileNetV1(nn.Module):
    """Howard et al., table 1, padded as Keras does; names as in zoo/mobilenet_v1.h."""

    STAGES = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
    STAGES += [(512, 1)] * 5 + [(1024, 2), (1024, 1)]

    def __init__(self, width):
        super().__init__()
        self.layers = []
        channels = int(32 * width)
        self.add(3, channels, 3, 2, 1)
        for out, stride in self.STAGES:
            self.add(channels, channels, 3, stride, channels)
            self.add(channels, int(out * width), 1, 1, 1)
            channels = int(out * width)
        self.features = nn.Sequential(*self.layers)
        self.classifier = nn.Linear(channels, 1000)

    def add(self, cin, cout, kernel, stride, groups):
        if stride == 2:
            self.layers.append(nn.ZeroPad2d((0, 1, 0, 1)))
        padding = kernel // 2 if stride == 1 else 0
        conv = nn.Conv2d(cin, cout, kernel, stride, padding, groups=groups, bias=False)
        norm = nn.BatchNorm2d(cout, eps=1e-3)
        self.layers.append(nn.Sequential(conv, norm, nn.ReLU6()))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class CifarBlock(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.stride, self.padding = stride, (cout - cin) // 2

    def forward(self, x):
        shortcut = x
        if self.stride != 1:
            p = self.padding
            shortcut = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, p, p))
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + shortcut)


class CifarResNet(nn.Module):
    """He et al., section 4.2, option A; names as in akamaster/pytorch_resnet_cifar10."""

    def __init__(self, depth):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        cin = 16
        for stage, cout in enumerate((16, 32, 64)):
            blocks = []
            for i in range((depth - 2) // 6):
                blocks.append(CifarBlock(cin, cout, 2 if stage > 0 and i == 0 else 1))
                cin = cout
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


TORCHVISION = ["mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"]
TORCHVISION += [f"resnet{depth}" for depth in (18, 34, 50, 101)]
TORCHVISION += [f"shufflenet_v2_{width}" for width in ("x0_5", "x1_0", "x1_5", "x2_0")]


def main():
    models = torchvision.models
    goldens = {
        "mobilenet_v1": golden(MobileNetV1(1.0), 224),
        "mobilenet_v1_075": golden(MobileNetV1(0.75), 224),
    }
    for name in TORCHVISION:
        goldens[name] = golden(models.get_model(name), 224)
    for depth in (20, 32, 44, 56, 110):
        goldens[f"resnet{depth}"] = golden(CifarResNet(depth), 32)
    for name, create, side in (
        ("googlenet", models.googlenet, 224),
        ("inception_v3", models.inception_v3, 299),
    ):
        plain = create(aux_logits=False, init_weights=False)
        goldens[name] = golden(plain, side)
        whole = create(aux_logits=True, transform_input=True, init_weights=False)
        goldens[f"{name} with heads"] = golden(whole, side, heads=True)
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in goldens.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    Path(__file__).with_name("models.json").write_text(text)


if __name__ == "__main__":
    main()
