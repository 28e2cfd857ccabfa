"""The networks as TFLite files: float by LiteRT's converter of PyTorch models, int8 by its quantizer.

Run as a program it writes what is missing. The converter pins an older PyTorch than the one that
peer_torch.py should run, so it has an environment of its own: requirements_litert.txt. Where it can't be
had, int8 MobileNet v2 of $OCTET_DATA is used.
"""

import os
from pathlib import Path

GIVEN = {("mobilenet_v2", "int8"): "weights/mobilenet_v2_quantized_1x3x224x224.tflite"}


def path(options, mode):
    return Path(options.folder) / f"{options.model}_batch{options.batch}.{mode}.tflite"


def readable_path(options, mode):
    """What write() made, or what there is instead."""
    made = path(options, mode)
    given = Path(os.environ.get("OCTET_DATA", "")) / GIVEN.get((options.model, mode), "none")
    return given if given.exists() and not made.exists() else made


def write_float(options):
    import litert_torch
    import torch

    import networks
    import turns

    model = networks.create(options.model, 1000).eval()
    image = torch.from_numpy(turns.images(options)[0])
    if image.dim() == 4:  # TFLite's layout; otherwise it would transpose in every run
        model = litert_torch.to_channel_last_io(model, args=[0])
        image = image.permute(0, 2, 3, 1).contiguous()
    litert_torch.convert(model, (image,)).export(str(path(options, "float")))


def write_int8(options):
    from ai_edge_quantizer import quantizer, recipe

    import turns

    job = quantizer.Quantizer(str(path(options, "float")))
    calibrated = None
    if options.model == "lstm":
        job.load_quantization_recipe(recipe.dynamic_wi8_afp32())
    else:
        job.load_quantization_recipe(recipe.static_wi8_ai8())
        feeds = [{"args_0": image.transpose(0, 2, 3, 1)} for image in turns.images(options, 4)]
        calibrated = job.calibrate({"serving_default": feeds})
    job.quantize(calibrated).export_model(str(path(options, "int8")))


def write(options):
    Path(options.folder).mkdir(parents=True, exist_ok=True)
    if not path(options, "float").exists():
        write_float(options)
    if not path(options, "int8").exists():
        write_int8(options)


if __name__ == "__main__":
    import turns

    write(turns.parse(__doc__))
