"""Turns the PyTorch checkpoint of EfficientNet-Lite0 into an ONNX file, without PyTorch. Run by prepare.py.

    python3 convert.py CHECKPOINT MODEL.onnx

The checkpoint is a pickle, so it is read with an unpickler that knows tensors and nothing else. Batch norms are folded
into the convolutions before them. The layers' shapes are read off the weights; only the strides are written here.
"""

import collections
import pickle
import struct
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]
BATCH_NORM_EPSILON = 1e-3
STORAGE_TYPES = {"FloatStorage": numpy.dtype("<f4"), "LongStorage": numpy.dtype("<i8")}


class Storage:
    def __init__(self, dtype):
        self.dtype = dtype
        self.values = None


class TensorUnpickler(pickle.Unpickler):
    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides)
        if module == "torch" and name in STORAGE_TYPES:
            return name
        raise pickle.UnpicklingError(f"the checkpoint asks for {module}.{name}: refused")

    def persistent_load(self, pid):
        _, kind, key = pid[:3]
        return self.storages.setdefault(key, Storage(STORAGE_TYPES[kind]))


def read_checkpoint(path):
    with open(path, "rb") as file:
        for _ in range(3):  # magic number, protocol, system: plain values
            TensorUnpickler(file).load()
        unpickler = TensorUnpickler(file)
        tensors = unpickler.load()
        for key in TensorUnpickler(file).load():
            (count,) = struct.unpack("<q", file.read(8))
            storage = unpickler.storages[key]
            storage.values = numpy.frombuffer(file.read(count * storage.dtype.itemsize), storage.dtype)
    return {
        name: numpy.lib.stride_tricks.as_strided(
            storage.values[offset:], shape, [step * storage.dtype.itemsize for step in strides]
        ).copy()
        for name, (storage, offset, shape, strides) in tensors.items()
    }


class GraphBuilder:
    def __init__(self, weights):
        self.weights = weights
        self.nodes = []
        self.constants = []

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(numpy.ascontiguousarray(values, dtype=numpy.float32), name))
        return name

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def convolution(self, value, name, norm, stride=1, clip=True):
        """Convolution with its batch norm folded in: w' = w * g / sqrt(v + e), b' = b - m * g / sqrt(v + e)."""
        weight = self.weights[f"{name}.weight"]
        factor = self.weights[f"{norm}.weight"] / numpy.sqrt(self.weights[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
        bias = self.weights[f"{norm}.bias"] - self.weights[f"{norm}.running_mean"] * factor
        output = self.node(
            "Conv",
            [
                value,
                self.constant(f"{name}.w", weight * factor[:, None, None, None]),
                self.constant(f"{name}.b", bias),
            ],
            name,
            kernel_shape=weight.shape[2:],
            strides=[stride, stride],
            group=weight.shape[0] if "depthwise" in name else 1,
            auto_pad="SAME_UPPER",
        )
        return self.node("Clip", [output, "zero", "six"], f"{name}.relu6") if clip else output

    def block(self, value, index, stride):
        name = f"_blocks.{index}"
        inner = value
        if f"{name}._expand_conv.weight" in self.weights:
            inner = self.convolution(inner, f"{name}._expand_conv", f"{name}._bn0")
        inner = self.convolution(inner, f"{name}._depthwise_conv", f"{name}._bn1", stride)
        inner = self.convolution(inner, f"{name}._project_conv", f"{name}._bn2", clip=False)
        channels_in = self.channels_in(name)
        if stride == 1 and channels_in == self.weights[f"{name}._project_conv.weight"].shape[0]:
            inner = self.node("Add", [inner, value], f"{name}.sum")
        return inner

    def channels_in(self, name):
        expand = self.weights.get(f"{name}._expand_conv.weight")
        return expand.shape[1] if expand is not None else self.weights[f"{name}._depthwise_conv.weight"].shape[0]


def build_model(weights):
    graph = GraphBuilder(weights)
    graph.constant("zero", numpy.float32(0))
    graph.constant("six", numpy.float32(6))
    value = graph.convolution("input", "_conv_stem", "_bn0", stride=2)
    for index, stride in enumerate(STRIDES):
        value = graph.block(value, index, stride)
    value = graph.convolution(value, "_conv_head", "_bn1")
    value = graph.node("GlobalAveragePool", [value], "pooled")
    value = graph.node("Flatten", [value], "features", axis=1)
    classes = weights["_fc.weight"].shape[0]
    fc = [value, graph.constant("fc.w", weights["_fc.weight"]), graph.constant("fc.b", weights["_fc.bias"])]
    value = graph.node("Gemm", fc, "logits", transB=1)
    graph.node("Softmax", [value], "scores", axis=1)
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 224, 224])]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, classes])]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "efficientnet-lite0", inputs, outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


if __name__ == "__main__":
    onnx.save(build_model(read_checkpoint(sys.argv[1])), sys.argv[2])
