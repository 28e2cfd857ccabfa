"""The networks that the peers run: torchvision's, ResNet-20 of He et al. and a two-layer LSTM."""

import torch
import torchvision
from torch import nn
from torch.nn import functional as F


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut of option A: every other pixel, zeros as new channels."""

    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU(inplace=True)
        self.shrinks = stride != 1
        self.pad = (channels - channels_in) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        if self.shrinks:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad))
        return self.relu2(y + x)


def resnet20(num_classes=10):
    stages = [(16, 16, 1), (16, 32, 2), (32, 64, 2)]
    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    for channels_in, channels, stride in stages:
        layers.append(BasicBlock(channels_in, channels, stride))
        layers += [BasicBlock(channels, channels, 1) for _ in range(2)]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, num_classes)]
    return nn.Sequential(*layers)


class Lstm(nn.Module):
    """Two layers of 512; x: [steps, n, 512], the result too."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(512, 512, 2)

    def forward(self, x):
        return self.lstm(x)[0]


def create(name, num_classes):
    torch.manual_seed(1)
    if name == "lstm":
        return Lstm()
    if name == "resnet20":
        return resnet20(num_classes)
    return getattr(torchvision.models, name)(num_classes=num_classes)
