#!/usr/bin/env python3
"""classify.py: the best class of an image by an .octet model, with Python's own modules only.

    python3 classify.py ../lib/liboctet.so mobilenet_v2.octet image.ppm

The image is a binary PPM of the model's size, which ImageMagick makes of a JPEG:
    convert image.jpg -resize 256x256^ -gravity center -extent 224x224 image.ppm
"""
import ctypes
import re
import sys


class TensorInfo(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_int), ("rank", ctypes.c_uint32),
                ("shape", ctypes.c_int64 * 6), ("is_quantized", ctypes.c_int32),
                ("scale", ctypes.c_float), ("zero_point", ctypes.c_int32),
                ("elements", ctypes.c_size_t), ("bytes", ctypes.c_size_t)]


def load_library(path):
    octet = ctypes.CDLL(path)
    for name in ("octet_model_load", "octet_session_create"):
        getattr(octet, name).restype = ctypes.c_void_p
    for name in ("octet_last_error", "octet_target", "octet_model_metadata"):
        getattr(octet, name).restype = ctypes.c_char_p
    return octet


def run(octet, model_path, values):
    """values(info, metadata): the input as floats. Returns the outputs and the classes' names."""
    model = ctypes.c_void_p(octet.octet_model_load(model_path.encode(), None))
    session = ctypes.c_void_p(octet.octet_session_create(model, None) if model else None)
    if not session:
        raise SystemExit(octet.octet_last_error().decode())

    def metadata(key):
        return (octet.octet_model_metadata(model, key.encode()) or b"").decode()

    given, asked = TensorInfo(), TensorInfo()
    octet.octet_model_input_info(model, ctypes.c_size_t(0), ctypes.byref(given))
    octet.octet_model_output_info(model, ctypes.c_size_t(0), ctypes.byref(asked))
    image = (ctypes.c_float * given.elements)(*values(given, metadata))
    scores = (ctypes.c_float * asked.elements)()
    zero = ctypes.c_size_t(0)
    if octet.octet_session_set_f32(session, zero, image, ctypes.c_size_t(len(image))) != 0:
        raise SystemExit(octet.octet_last_error().decode())
    octet.octet_session_run(session)
    octet.octet_session_get_f32(session, zero, scores, ctypes.c_size_t(len(scores)))
    classes = metadata("classes").split("\n")
    octet.octet_session_free(session)
    octet.octet_model_free(model)
    return list(scores), classes


def three(text, otherwise):
    return tuple(float(number) for number in text.split(",")) if text else otherwise


def read_ppm(path, info, metadata):
    data = open(path, "rb").read()
    header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    if not header or (int(header[2]), int(header[1])) != tuple(info.shape[1:3]):
        raise SystemExit("%s: expects a binary PPM of %d x %d" % (path, info.shape[2], info.shape[1]))
    mean = three(metadata("preprocess.mean"), (0.485, 0.456, 0.406))
    std = three(metadata("preprocess.std"), (0.229, 0.224, 0.225))
    return [(byte / 255 - mean[i % 3]) / std[i % 3] for i, byte in enumerate(data[header.end():])]


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit("usage: classify.py LIBRARY MODEL.octet IMAGE.ppm")
    scores, classes = run(load_library(sys.argv[1]), sys.argv[2], lambda *about: read_ppm(sys.argv[3], *about))
    best = max(range(len(scores)), key=scores.__getitem__)
    print(best, scores[best], classes[best] if best < len(classes) else "")
