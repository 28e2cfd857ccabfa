"""The networks as ONNX files in float: what ONNX Runtime and OpenVINO read.

Run as a program it writes the file that is missing; it needs PyTorch, the readers do not.
"""

from pathlib import Path


def path(options):
    return Path(options.folder) / f"{options.model}_batch{options.batch}.onnx"


def write(options):
    import torch

    import networks
    import turns

    model = networks.create(options.model, 1000).eval()
    image = torch.from_numpy(turns.images(options)[0])
    unfinished = path(options).with_suffix(".part")
    torch.onnx.export(model, (image,), str(unfinished), input_names=["x"], output_names=["y"],
                      opset_version=17, dynamo=False)
    unfinished.rename(path(options))


if __name__ == "__main__":
    import turns

    OPTIONS = turns.parse(__doc__)
    Path(OPTIONS.folder).mkdir(parents=True, exist_ok=True)
    if not path(OPTIONS).exists():
        write(OPTIONS)
