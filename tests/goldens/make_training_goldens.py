"""Makes training.json: losses of PyTorch's first training steps on a small network.

Weights and images come from the generator lcg(), which tests/training_parity_test.cc has too.
"""

import json
from pathlib import Path

import torch
from torch import nn

STEPS = 6


def lcg(count, seed):
    """Uniform in [-1, 1), exact in float32."""
    values = []
    for _ in range(count):
        seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
        values.append((seed >> 8) / 2**24 * 2 - 1)
    return torch.tensor(values, dtype=torch.float32)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.conv3 = nn.Conv2d(16, 24, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(24)
        self.conv4 = nn.Conv2d(24, 24, 3, padding=1)
        self.fc = nn.Linear(24, 10)

    def forward(self, x):
        x = nn.functional.relu6(self.bn1(self.conv1(x)))
        x = nn.functional.relu6(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        x = nn.functional.max_pool2d(torch.relu(x + self.conv4(x)), 3, 2, 1)
        return self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


def losses(make_optimizer, label_smoothing):
    network = Network()
    for i, (name, parameter) in enumerate(network.named_parameters()):
        if not name.startswith("bn"):
            with torch.no_grad():
                values = lcg(parameter.numel(), 100 + i).reshape(parameter.shape)
                fan_in = max(1, parameter[0].numel())
                parameter.copy_(values * (2.0 / fan_in) ** 0.5)
    optimizer = make_optimizer(network.parameters())
    result = []
    for step in range(STEPS):
        images = lcg(8 * 3 * 15 * 17, 1000 + step % 2).reshape(8, 3, 15, 17)
        labels = torch.arange(8) % 10
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(
            network(images), labels, label_smoothing=label_smoothing)
        loss.backward()
        optimizer.step()
        result.append(loss.item())
    return result


def main():
    torch.set_num_threads(1)
    goldens = {
        "torch": torch.__version__.split("+")[0],
        "sgd": losses(lambda p: torch.optim.SGD(p, lr=0.05), 0.0),
        "sgd_nesterov": losses(lambda p: torch.optim.SGD(
            p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01), 0.1),
        "adam": losses(lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.01), 0.0),
        "adamw": losses(lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1), 0.0),
    }
    path = Path(__file__).with_name("training.json")
    path.write_text(json.dumps(goldens, indent=1) + "\n")


if __name__ == "__main__":
    main()
