"""A reader of .octet files, written from docs/format.md alone, that computes quantized layers again.

    octet_reader.py MODEL FOLDER

For every conv2d and linear layer on integers, number i in the graph: its input is FOLDER/i.in, its
output FOLDER/i.out, both dense u8 for batch 1. Exits 1 when a byte differs. Python's own modules only.
"""
import array
import struct
import sys

MAGIC = b"OCTET\0\r\n"
K = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1
ELEMENT_BYTES = (4, 1, 1, 4, 8)  # f32, u8, s8, s32, s64
ELEMENT_CODES = "fBbiq"


def mix(h, w):
    p = ((h ^ w) * K) & MASK
    return p ^ (p >> 32)


def checksum(data):
    lanes = [(K * (i + 1)) & MASK for i in range(4)]
    for number, word in enumerate(struct.unpack("<%dQ" % (len(data) // 8), data)):
        lanes[number % 4] = mix(lanes[number % 4], word)
    h = len(data)
    for lane in lanes:
        h = mix(h, lane)
    return h


class Section:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        assert self.at <= len(self.data), "a section is too short"
        return self.data[self.at - count:self.at]

    def byte(self):
        return self.take(1)[0]

    def f32(self):
        return struct.unpack("<f", self.take(4))[0]

    def varint(self):
        value = shift = 0
        while True:
            digit = self.byte()
            value |= (digit & 127) << shift
            shift += 7
            if digit < 128:
                return value

    def zigzag(self):
        n = self.varint()
        return -(n + 1) // 2 if n & 1 else n // 2

    def items(self, read):
        return [read() for _ in range(self.varint())]

    def end(self):
        assert self.at == len(self.data), "a section has bytes left over"


class Model:
    def __init__(self, data):
        assert data[:8] == MAGIC, "no .octet file"
        version, sections, size, check = struct.unpack("<IIQQ", data[8:32])
        assert (version, sections, size) == (1, 5, len(data)), "the header is wrong"
        assert check == checksum(data[:24] + bytes(8) + data[32:]), "the checksum is wrong"
        places = struct.unpack("<10Q", data[32:112])
        values, graph, metadata, strings, constants = (
            Section(data[places[i]:places[i] + places[i + 1]]) for i in range(0, 10, 2))

        self.strings = strings.items(lambda: strings.take(strings.varint()).decode())
        self.values = values.items(lambda: self.value(values))
        self.inputs = graph.items(graph.varint)
        self.outputs = graph.items(graph.varint)
        self.instructions = graph.items(lambda: self.instruction(graph))
        self.metadata = dict(metadata.items(lambda: (self.text(metadata), self.text(metadata))))
        for value in self.values:
            if value["constant"]:
                constants.take(-constants.at % 64)
                value["data"] = array.array(ELEMENT_CODES[value["dtype"]],
                                            constants.take(value["bytes"]))
        for section in (values, graph, metadata, strings, constants):
            section.end()

    def text(self, section):
        return self.strings[section.varint()]

    def value(self, s):
        value = {"name": self.text(s), "dtype": s.byte()}
        flags = s.byte()
        value["constant"] = bool(flags & 1)
        value["shape"] = s.items(s.varint)
        value["bytes"] = ELEMENT_BYTES[value["dtype"]]
        for extent in value["shape"]:
            value["bytes"] *= extent
        if flags & 2:
            value["scale"] = s.f32()
            value["zero_point"], value["quant_min"], value["quant_max"] = s.take(3)
        return value

    def instruction(self, s):
        instruction = {"op": self.text(s), "name": self.text(s)}
        instruction["inputs"] = s.items(s.varint)
        instruction["outputs"] = s.items(s.varint)
        instruction["attributes"] = dict(s.items(
            lambda: (self.text(s), s.f32() if s.byte() else s.zigzag())))
        return instruction


def f32(x):
    """A real number rounded to f32; +, -, *, / of two f32 in Python's f64 then round only once."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


def run_layer(model, instruction, x):
    """The output's integers of a conv2d or linear layer; a linear layer is a convolution by 1 x 1."""
    x_value, weight, bias, weight_scale = (model.values[i] for i in instruction["inputs"])
    y_value = model.values[instruction["outputs"][0]]
    get = instruction["attributes"].get
    if instruction["op"] == "linear":
        (_, in_c), in_h, in_w, kernel = x_value["shape"], 1, 1, (1, 1)
        (_, out_c), out_h, out_w, depth = y_value["shape"], 1, 1, in_c
    else:
        _, in_h, in_w, in_c = x_value["shape"]
        _, out_h, out_w, out_c = y_value["shape"]
        kernel, depth = weight["shape"][1:3], weight["shape"][3]
    stride, dilation = ((get(n + "_h", 1), get(n + "_w", 1)) for n in ("stride", "dilation"))
    top, left = get("pad_top", 0), get("pad_left", 0)
    out_per_group = out_c // get("groups", 1)
    low, high = get("quant_min", 0), get("quant_max", 255)
    multiplier = [f32(f32(x_value["scale"] * s) / y_value["scale"]) for s in weight_scale["data"]]

    y = bytearray()
    for position in range(out_h * out_w):
        oy, ox = divmod(position, out_w)
        # Where a tap is inside the image: (position in the weights, position in the image).
        taps = []
        for tap in range(kernel[0] * kernel[1]):
            ky, kx = divmod(tap, kernel[1])
            iy = oy * stride[0] - top + ky * dilation[0]
            ix = ox * stride[1] - left + kx * dilation[1]
            if 0 <= iy < in_h and 0 <= ix < in_w:
                taps.append((tap * depth, (iy * in_w + ix) * in_c))
        for o in range(out_c):
            first = o // out_per_group * depth  # channel of the group
            row = o * kernel[0] * kernel[1] * depth
            acc = bias["data"][o]
            for at_weight, at_image in taps:
                for c in range(depth):
                    acc += weight["data"][row + at_weight + c] * (
                        x[at_image + first + c] - x_value["zero_point"])
            q = round(f32(f32(acc) * multiplier[o])) + y_value["zero_point"]  # ties to even
            y.append(min(max(q, low), high))
    return bytes(y)


def main(model_path, folder):
    model = Model(open(model_path, "rb").read())
    print(len(model.values), "values,", len(model.instructions), "instructions,",
          len(model.inputs), "input,", len(model.outputs), "output, model", model.metadata["model"])
    same = []
    for number, instruction in enumerate(model.instructions):
        if instruction["op"] not in ("conv2d", "linear"):
            continue
        x, expected = (open("%s/%d.%s" % (folder, number, end), "rb").read()
                       for end in ("in", "out"))
        same.append(run_layer(model, instruction, x) == expected)
        print(instruction["op"], instruction["name"], "same" if same[-1] else "differs")
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
