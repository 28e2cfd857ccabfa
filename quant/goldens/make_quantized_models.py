# Makes quantized_{qnnpack,fbgemm,gates}.pth and .json and qat_gates.pth, with torch 2.15: state dicts of small models
# that PyTorch has quantized (eager mode, as torchvision.models.quantization does it), and the integers that they then
# compute; qat_gates is quantized_gates before convert. Run in this folder. quant/quantized_net_testing.h has the same
# models.
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


class Gate(nn.Module):  # MobileNetV3's QuantizableSqueezeExcitation
    def __init__(self, c):
        super().__init__()
        self.fc1, self.activation, self.fc2 = nn.Conv2d(c, 4, 1), nn.ReLU(), nn.Conv2d(4, c, 1)
        self.scale_activation, self.skip_mul = nn.Hardsigmoid(), nn.quantized.FloatFunctional()

    def forward(self, x):
        y = self.activation(self.fc1(nn.functional.adaptive_avg_pool2d(x, 1)))
        return self.skip_mul.mul(self.scale_activation(self.fc2(y)), x)


class Mixed(nn.Module):  # as Inception v3's Mixed_7b
    def __init__(self, c):
        super().__init__()
        self.a, self.b, self.b1, self.b2, self.pool = conv(c, 3, 1), conv(c, 4, 1), conv(4, 2, 3), conv(4, 3, 1), conv(c, 2, 1)
        self.myop1, self.myop2 = nn.quantized.FloatFunctional(), nn.quantized.FloatFunctional()

    def forward(self, x):
        y = self.b(x)
        b = self.myop1.cat([self.b1(y), self.b2(y)], 1)
        p = self.pool(nn.functional.avg_pool2d(x, kernel_size=3, stride=1, padding=1))
        return self.myop2.cat([self.a(x), b, p], 1)


class GateNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant, self.dequant = aq.QuantStub(), aq.DeQuantStub()
        self.stem = nn.Sequential(*conv(3, 8, 3, 2, relu=False), nn.Hardswish())
        self.gate, self.mixed, self.fc = Gate(8), Mixed(8), nn.Linear(10, 5)

    def forward(self, x):
        y = self.mixed(self.gate(self.stem(self.quant(x))))
        return self.dequant(self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(y, 1), 1)))


def set_weights(net):
    for i, (name, p) in enumerate(list(net.named_parameters()) + list(net.named_buffers())):
        if not p.is_floating_point():
            continue
        u = lcg(p.numel(), 100 + i).reshape(p.shape)
        p.data.copy_(1 + u / 2 if name.endswith("running_var") or p.dim() == 1 and name.endswith("weight") else u)


def images(seed):
    return lcg(2 * 3 * 8 * 8, seed).reshape(2, 3, 8, 8)


# The integers that the converted net computes, and its logits. others: modules whose result has the name of the module.
def write_values(net, others, path):
    values = {}

    def keep(name):
        def hook(module, inputs, y):
            q = y.int_repr()
            values[name] = bytes((q.permute(0, 2, 3, 1) if q.dim() == 4 else q).flatten().tolist()).hex()
        return hook

    for name, m in net.named_modules():
        if name != "quant" and hasattr(m, "scale") and not isinstance(m, torch.ao.nn.quantized.QFunctional):
            m.register_forward_hook(keep(name))
    for name, module in others.items():
        net.get_submodule(module).register_forward_hook(keep(name))
    net.quant.register_forward_hook(keep("input"))
    logits = net(images(9))
    json.dump({"values": values, "logits": logits.flatten().tolist()}, open(path, "w"), indent=0)


def fuse(net, fuse_modules):
    for m in list(net.modules()):
        if isinstance(m, nn.Sequential) and isinstance(m[0], nn.Conv2d):
            fuse_modules(m, [str(i) for i in range(2 + isinstance(m[-1], nn.ReLU))], inplace=True)
        if isinstance(m, Gate):
            fuse_modules(m, ["fc1", "activation"], inplace=True)


# FBGEMM's sums are exact on a CPU with VNNI.
for backend in ("qnnpack", "fbgemm"):
    torch.backends.quantized.engine = backend
    net = Net().eval()
    set_weights(net)
    fuse(net, aq.fuse_modules)
    net.qconfig = aq.get_default_qconfig(backend)
    aq.prepare(net, inplace=True)
    for seed in range(4):
        net(images(seed))
    aq.convert(net, inplace=True)
    # Both forms of torch.save.
    torch.save(net.state_dict(), "quantized_%s.pth" % backend, _use_new_zipfile_serialization=backend == "fbgemm")
    write_values(net, {n: n for n in ("residual", "fork.cat", "fork.add_relu")}, "quantized_%s.json" % backend)

# Trained quantization-aware, as torchvision's mobilenet_v3_large.
torch.backends.quantized.engine = "qnnpack"
net = GateNet()
set_weights(net)
fuse(net, aq.fuse_modules_qat)
net.qconfig = aq.get_default_qat_qconfig("qnnpack")
aq.prepare_qat(net, inplace=True)
for seed in range(4):
    net(images(seed))
net.eval()
# As of some epoch on: the weights of these layers are not observed any more.
net.mixed.apply(aq.disable_observer)
# As of a DataParallel.
torch.save({"module." + n: t for n, t in net.state_dict().items()}, "qat_gates.pth", _use_new_zipfile_serialization=False)
aq.convert(net, inplace=True)
torch.save(net.state_dict(), "quantized_gates.pth", _use_new_zipfile_serialization=False)
write_values(net, {"gate#2": "gate.scale_activation", "gate#3": "gate", "mixed#2": "mixed"}, "quantized_gates.json")
