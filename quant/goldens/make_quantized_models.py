# Makes quantized_{qnnpack,fbgemm}.pth and .json, with torch 2.15: state dicts of a small model that PyTorch has
# quantized (eager mode, as torchvision.models.quantization does it), and the integers that it then computes.
# Run in this folder. quant/quantized_net_testing.h has the same model.
import json
import torch
import torch.nn as nn
import torch.ao.quantization as aq

torch.manual_seed(1)


def lcg(n, seed):  # as golden_testing.h
    out = []
    for _ in range(n):
        seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
        out.append((seed >> 8) / 16777216.0 * 2 - 1)
    return torch.tensor(out)


def conv(i, o, k, stride=1, groups=1, relu=True):
    parts = [nn.Conv2d(i, o, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*parts, *([nn.ReLU()] if relu else []))


class Residual(nn.Module):  # as MobileNetV2's
    def __init__(self, c):
        super().__init__()
        self.conv = nn.Sequential(conv(c, 2 * c, 1), conv(2 * c, 2 * c, 3, groups=2 * c), conv(2 * c, c, 1, relu=False))
        self.skip_add = nn.quantized.FloatFunctional()

    def forward(self, x):
        return self.skip_add.add(x, self.conv(x))


class Fork(nn.Module):  # as GoogLeNet's; the addition with a relu is ResNet's
    def __init__(self, c):
        super().__init__()
        self.a, self.b = conv(c, 3, 1), conv(c, 3, 3, relu=False)
        self.cat, self.add_relu = Cat(), AddRelu()

    def forward(self, x):
        a, b = self.a(x), self.b(x)
        return self.cat(self.add_relu(a, b), a)


class Cat(nn.Module):
    def __init__(self):
        super().__init__()
        self.cat = nn.quantized.FloatFunctional()

    def forward(self, x, y):
        return self.cat.cat([x, y], 1)


class AddRelu(nn.Module):
    def __init__(self):
        super().__init__()
        self.add_relu = nn.quantized.FloatFunctional()

    def forward(self, x, y):
        return self.add_relu.add_relu(x, y)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant, self.dequant = aq.QuantStub(), aq.DeQuantStub()
        self.stem, self.residual, self.fork = conv(3, 4, 3, 2), Residual(4), Fork(4)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(6, 5)

    def forward(self, x):
        y = self.pool(self.fork(self.residual(self.stem(self.quant(x)))))
        y = torch.flatten(nn.functional.adaptive_avg_pool2d(y, 1), 1)
        return self.dequant(self.fc(y))


# FBGEMM's sums are exact on a CPU with VNNI.
for backend in ("qnnpack", "fbgemm"):
    torch.backends.quantized.engine = backend
    net = Net().eval()
    for i, (name, p) in enumerate(list(net.named_parameters()) + list(net.named_buffers())):
        if not p.is_floating_point():
            continue
        u = lcg(p.numel(), 100 + i).reshape(p.shape)
        p.data.copy_(1 + u / 2 if name.endswith("running_var") or p.dim() == 1 and name.endswith("weight") else u)
    for m in list(net.modules()):
        if isinstance(m, nn.Sequential) and isinstance(m[0], nn.Conv2d):
            aq.fuse_modules(m, [str(i) for i in range(len(m))], inplace=True)
    net.qconfig = aq.get_default_qconfig(backend)
    aq.prepare(net, inplace=True)
    for seed in range(4):
        net(lcg(2 * 3 * 8 * 8, seed).reshape(2, 3, 8, 8))
    aq.convert(net, inplace=True)
    # Both forms of torch.save.
    torch.save(net.state_dict(), "quantized_%s.pth" % backend, _use_new_zipfile_serialization=backend == "fbgemm")
    values = {}

    def keep(name):
        def hook(module, inputs, y):
            q = y.int_repr()
            values[name] = bytes((q.permute(0, 2, 3, 1) if q.dim() == 4 else q).flatten().tolist()).hex()
        return hook

    for name, m in net.named_modules():
        if name != "quant" and hasattr(m, "scale") and not isinstance(m, torch.ao.nn.quantized.QFunctional):
            m.register_forward_hook(keep(name))
    for name in ("residual", "fork.cat", "fork.add_relu"):
        net.get_submodule(name).register_forward_hook(keep(name))
    net.quant.register_forward_hook(keep("input"))
    logits = net(lcg(2 * 3 * 8 * 8, 9).reshape(2, 3, 8, 8))
    json.dump({"values": values, "logits": logits.flatten().tolist()}, open("quantized_%s.json" % backend, "w"), indent=0)
