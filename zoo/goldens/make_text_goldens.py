"""Makes text.json: what a small BERT of PyTorch's answers with seeded weights.

Weights come from the generator of make_model_goldens.py. PyTorch computes in double. BERT is written
here, layer by layer, with Hugging Face's names: a check that needs no transformers package.
"""

import json
import math
from pathlib import Path

import torch
from make_model_goldens import bits_sum, fnv1a, seeded, seeded_tensor
from torch import nn
from torch.nn import functional as F


class Embeddings(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.word_embeddings = nn.Embedding(o["vocab_size"], o["hidden_size"])
        self.position_embeddings = nn.Embedding(o["max_positions"], o["hidden_size"])
        self.token_type_embeddings = nn.Embedding(2, o["hidden_size"])
        self.LayerNorm = nn.LayerNorm(o["hidden_size"], eps=1e-12)

    def forward(self, ids, types):
        positions = self.position_embeddings.weight[: ids.shape[1]]
        x = self.word_embeddings(ids) + self.token_type_embeddings(types) + positions
        return self.LayerNorm(x)


class SelfAttention(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.heads = o["num_heads"]
        self.query, self.key, self.value = (
            nn.Linear(o["hidden_size"], o["hidden_size"]) for _ in range(3)
        )

    def forward(self, x, mask):
        def split(y):
            return y.unflatten(2, (self.heads, -1)).transpose(1, 2)

        q, k, v = split(self.query(x)), split(self.key(x)), split(self.value(x))
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])
        scores = scores.masked_fill(mask[:, None, None, :] == 0, -math.inf)
        return (scores.softmax(3) @ v).transpose(1, 2).flatten(2)


class Output(nn.Module):
    def __init__(self, inputs, o):
        super().__init__()
        self.dense = nn.Linear(inputs, o["hidden_size"])
        self.LayerNorm = nn.LayerNorm(o["hidden_size"], eps=1e-12)

    def forward(self, x, residual):
        return self.LayerNorm(self.dense(x) + residual)


class Dense(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.dense = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.dense(x)


class Layer(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.attention = nn.ModuleDict(
            {"self": SelfAttention(o), "output": Output(o["hidden_size"], o)}
        )
        self.intermediate = Dense(o["hidden_size"], o["intermediate_size"])
        self.output = Output(o["intermediate_size"], o)

    def forward(self, x, mask):
        x = self.attention["output"](self.attention["self"](x, mask), x)
        return self.output(F.gelu(self.intermediate(x)), x)


class Bert(nn.Module):
    """BertForSequenceClassification, without dropout."""

    def __init__(self, o):
        super().__init__()
        self.bert = nn.ModuleDict(
            {
                "embeddings": Embeddings(o),
                "encoder": nn.ModuleDict(
                    {"layer": nn.ModuleList(Layer(o) for _ in range(o["num_layers"]))}
                ),
                "pooler": Dense(o["hidden_size"], o["hidden_size"]),
            }
        )
        self.classifier = nn.Linear(o["hidden_size"], o["num_labels"])

    def forward(self, ids, types, mask):
        x = self.bert["embeddings"](ids, types)
        for layer in self.bert["encoder"]["layer"]:
            x = layer(x, mask)
        return self.classifier(torch.tanh(self.bert["pooler"](x[:, 0])))


TINY = {
    "num_layers": 2,
    "hidden_size": 64,
    "num_heads": 4,
    "intermediate_size": 256,
    "vocab_size": 100,
    "max_positions": 32,
    "num_labels": 3,
}


def bert_golden(options, lengths):
    model = Bert(options).eval()
    state = model.state_dict()
    for name, tensor in state.items():
        tensor.copy_(torch.from_numpy(seeded_tensor(name, tuple(tensor.shape))))
    weights = bits_sum(state)
    shape = (len(lengths), max(lengths))
    ids = torch.from_numpy((seeded("input_ids", shape) + 1) * 50).long()
    mask = (torch.arange(shape[1]) < torch.tensor(lengths)[:, None]).long()
    types = (torch.arange(shape[1]) >= torch.tensor(lengths)[:, None] // 2).long() * mask
    ids *= mask
    with torch.no_grad():
        logits = model.double()(ids, types, mask)
    lines = sorted(f"{name} {list(tensor.shape)}\n" for name, tensor in state.items())
    return {
        **options,
        "tensors": len(state),
        "names": f"{fnv1a(''.join(lines).encode()):016x}",
        "weights": f"{weights % 2**64:016x}",
        "shape": shape,
        "input_ids": ids.flatten().tolist(),
        "token_type_ids": types.flatten().tolist(),
        "attention_mask": mask.flatten().tolist(),
        "logits": [float(f"{v:.9g}") for v in logits.flatten().tolist()],
    }


def main():
    goldens = {"bert": bert_golden(TINY, (20, 13, 1))}
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in goldens.items()]
    Path(__file__).with_name("text.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
