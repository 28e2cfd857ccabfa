# Makes pytorch_1_13_quantization.json (run with Debian python3-torch 1.13).
# Golden values from torch 1.13.1 for a parity test; inputs are regenerated from an exact LCG.
import os; os.sched_setaffinity(0,{0})
import warnings; warnings.filterwarnings("ignore")
import torch, json, numpy as np, copy
import torch.nn as nn, torch.ao.quantization as aq
from torch.ao.quantization.observer import *
from torch.ao.quantization.fake_quantize import *
torch.set_num_threads(1)
def lcg(n, seed):   # s=s*1664525+1013904223 mod 2^32 ; u=(s>>8)/2^24 in [0,1) (exact float32) ; value 2u-1 (exact)
    s = seed; out = np.empty(n, np.float32)
    for i in range(n):
        s = (s * 1664525 + 1013904223) & 0xffffffff; out[i] = np.float32((s >> 8) / 16777216.0) * np.float32(2) - np.float32(1)
    return torch.from_numpy(out)
def stream(kind, b):   # batch b of 4096 values; float32 elementwise ops, each correctly rounded
    u = lcg(4096, 1000 + 17 * b)
    if kind == "uniform": return u * np.float32(0.75 + 0.25 * b)
    if kind == "cubic": return (u * u) * u * np.float32(5.0)          # heavy near 0, tails +-5
    if kind == "relu": return torch.clamp(u * np.float32(3.0), min=0.0)
    if kind == "shift": return u * np.float32(0.5) + np.float32(2.0 + 0.5 * b)   # all positive
    if kind == "outlier":
        x = u * np.float32(1.0); x[7] = 40.0 + b; x[11] = -25.0; return x
f = lambda t: [float(v) for v in t.flatten()]
R = {}
cfgs = {"u8": dict(), "u8rr": dict(reduce_range=True), "s8sym": dict(dtype=torch.qint8, qscheme=torch.per_tensor_symmetric), "u8sym": dict(qscheme=torch.per_tensor_symmetric), "s8aff": dict(dtype=torch.qint8), "s8sym127": dict(dtype=torch.qint8, qscheme=torch.per_tensor_symmetric, quant_min=-127, quant_max=127, eps=2**-12)}
for kind in ("uniform", "cubic", "relu", "shift", "outlier"):
    for cn, c in cfgs.items():
        for on, O in (("minmax", MinMaxObserver), ("movavg", MovingAverageMinMaxObserver), ("hist", HistogramObserver)):
            o = O(**c)
            steps = []
            for b in range(3):
                o(stream(kind, b)); r = dict(min=float(o.min_val), max=float(o.max_val))
                if on == "hist": r.update(hist_sum=float(o.histogram.sum()), hist_argmax=int(o.histogram.argmax()), search=[float(v) for v in o._non_linear_param_search()])
                s, z = o.calculate_qparams(); r.update(scale=float(s), zp=int(z)); steps.append(r)
            R["obs/%s/%s/%s" % (on, kind, cn)] = steps
# per channel: 4096 -> [8,512], channel k scaled by (k+1)/8
for on, O in (("pc_minmax", PerChannelMinMaxObserver), ("pc_movavg", MovingAveragePerChannelMinMaxObserver)):
    for cn, c in (("s8sym", dict(dtype=torch.qint8, qscheme=torch.per_channel_symmetric)), ("u8aff", dict(qscheme=torch.per_channel_affine))):
        o = O(**c)
        for b in range(3): o(stream("uniform", b).reshape(8, 512) * (torch.arange(1, 9).float() / 8).reshape(8, 1))
        s, z = o.calculate_qparams(); R["obs/%s/%s" % (on, cn)] = dict(min=f(o.min_val), max=f(o.max_val), scale=f(s), zp=[int(v) for v in z])
# fused observer + fake quant: 3 steps, output + gradient sums of the first 16 values
for nm, ctor, shape in (("act", default_fused_act_fake_quant, (4096,)), ("wt", default_fused_wt_fake_quant, (8, 512)), ("wt_pc", default_fused_per_channel_wt_fake_quant, (8, 512)), ("act_rr", FusedMovingAvgObsFakeQuantize.with_args(observer=MovingAverageMinMaxObserver, quant_min=0, quant_max=255, reduce_range=True), (4096,))):
    q = ctor(); st = []
    for b in range(3):
        x = stream("uniform", b).reshape(shape).clone().requires_grad_(True); y = q(x); y.sum().backward()
        st.append(dict(min=f(q.activation_post_process.min_val), max=f(q.activation_post_process.max_val), scale=f(q.scale), zp=[int(v) for v in q.zero_point], y16=f(y.detach().flatten()[:16]), y_sum=float(y.double().sum()), masked=int((x.grad == 0).sum()), py_qparams=[f(t) for t in q.calculate_qparams()]))
    R["fused/" + nm] = st
# quantize ties: value*inv_scale exactly half
x = torch.tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5]); R["ties"] = dict(x=f(x), u8_scale1_zp3=[int(v) for v in torch.quantize_per_tensor(x, 1.0, 3, torch.quint8).int_repr()])
# ConvBn2d QAT forward (train, and eval after freeze) with LCG weights
import torch.ao.nn.intrinsic as nni, torch.nn.intrinsic.qat as nniqat
c = nn.Conv2d(3, 4, 3, padding=1, bias=False); bn = nn.BatchNorm2d(4); c.weight.data = lcg(108, 5).reshape(4, 3, 3, 3).clone(); bn.weight.data = torch.tensor([.5, 1., 1.5, 2.]); bn.bias.data = torch.tensor([0., .1, -.1, .2]); bn.running_mean.copy_(torch.tensor([.1, 0., -.2, .3])); bn.running_var.copy_(torch.tensor([1., .5, 2., 4.]))
s = nni.ConvBn2d(c, bn); s.train(); s.qconfig = aq.get_default_qat_qconfig("fbgemm"); q = nniqat.ConvBn2d.from_float(s); q.train()
x = lcg(2 * 3 * 6 * 6, 9).reshape(2, 3, 6, 6).clone().requires_grad_(True); y = q(x); (y * lcg(y.numel(), 3).reshape(y.shape)).sum().backward()
R["convbn_qat_fbgemm"] = dict(y16=f(y.detach().flatten()[:16]), y_sum=float(y.double().sum()), w_scale=f(q.weight_fake_quant.scale), w_zp=[int(v) for v in q.weight_fake_quant.zero_point], running_mean=f(q.bn.running_mean), running_var=f(q.bn.running_var), gw9=f(q.weight.grad.flatten()[:9]), ggamma=f(q.bn.weight.grad), gbeta=f(q.bn.bias.grad), gx9=f(x.grad.flatten()[:9]))
q.freeze_bn_stats(); R["convbn_qat_fbgemm"]["frozen_y16"] = f(q(x.detach()).detach().flatten()[:16])
json.dump(R, open("pytorch_1_13_quantization.json", "w"), indent=0); print(len(R), "entries", os.path.getsize("pytorch_1_13_quantization.json"), "bytes")
