"""ONNX files as bytes: read, written, and cut to a part of a network, without the package onnx (70 MB).

Of protobuf's wire format it has what onnx.proto needs: numbers, and strings of bytes that are texts or
messages. The numbers of fields below are those of onnx.proto.
"""

import collections
import struct

import numpy as np

Node = collections.namedtuple('Node', 'op inputs outputs factor strange data')
Node.__doc__ = """One operation.

Fields:
    op: str.
    inputs, outputs: lists of names; '' is an input that is left out.
    factor: how many times fewer rows its output has than its input, by its strides: int.
    strange: whether it is of another domain than ONNX's, holds graphs, or has numbers in another file.
    data: bytes of the NodeProto.
"""
Tensor = collections.namedtuple('Tensor', 'dims strange data')  # `strange`: its numbers are in another file
Value = collections.namedtuple('Value', 'name data')

Model = collections.namedtuple('Model', 'nodes tensors inputs outputs head strange')
Model.__doc__ = """A network.

Fields:
    nodes: list of Node, each behind those that it reads.
    tensors: dict from names to Tensor, the constants.
    inputs, outputs: lists of Value.
    head: bytes of what stands beside the graph: versions, metadata.
    strange: whether it holds functions, sparse tensors or a way to train it.
"""

TYPES = {'float32': 1, 'int64': 7, 'bool': 9, 'float16': 10}
DOMAINS = ('', 'ai.onnx')
ELSEWHERE = (6, 10, 11, 22, 23)  # of an attribute: graphs, lists of tensors, sparse ones; no network has them
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types


def fields(data):
    """The fields of a message: yields (number, int or memoryview); ValueError where there is none."""
    if isinstance(data, int):
        raise ValueError('a number in the place of a message')
    view, place = memoryview(data), 0
    while place < len(view):
        key, place = varint(view, place)
        kind = key & 7
        if kind == VARINT:
            value, place = varint(view, place)
        elif kind in (BYTES, FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
            if kind == BYTES:
                size, place = varint(view, place)
            value, place = view[place:place + size], place + size
            if place > len(view):
                raise ValueError('cut short')
            if kind != BYTES:  # protobuf takes it for no text and no message, and so must we
                value = int.from_bytes(value, 'little')
        else:
            raise ValueError('no field of ONNX')
        yield key >> 3, value


def varint(view, place):
    """A number and the place behind it."""
    value = shift = 0
    while True:
        if place >= len(view) or shift > 63:
            raise ValueError('cut short')
        byte = view[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place


def message(*pairs):
    """The bytes of a message, of pairs of a field's number and an int, float, str, bytes, or list of such."""
    parts = []
    for number, value in pairs:
        for each in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(each, float):
                parts += [number_bytes(number << 3 | FIXED32), struct.pack('<f', each)]
            elif isinstance(each, (int, np.integer)):
                parts += [number_bytes(number << 3 | VARINT), number_bytes(int(each))]
            else:
                each = each.encode('utf-8') if isinstance(each, str) else each
                parts += [number_bytes(number << 3 | BYTES), number_bytes(len(each)), each]
    return b''.join(parts)


def number_bytes(value):
    """A number as a varint."""
    value &= 2 ** 64 - 1
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def text(view):
    """A field of text; ValueError where it is none."""
    if isinstance(view, int):
        raise ValueError('a number in the place of a text')
    return bytes(view).decode('utf-8')


def read(data):
    """Reads an ONNX file: Model; ValueError where it is none."""
    graph, head, strange = None, [], False
    for number, value in fields(data):
        if number == 7:
            if graph is not None:  # protobuf would make one of both
                raise ValueError('two graphs')
            graph = value
        else:
            head.append(message((number, value)))
        strange = strange or number in (20, 25)
    if not isinstance(graph, memoryview):
        raise ValueError('no graph')
    nodes, tensors, ends = [], {}, {11: [], 12: []}
    for number, value in fields(graph):
        if number == 1:
            nodes.append(read_node(value))
        elif number == 5:
            name, tensor = read_tensor(value)
            tensors[name] = tensor
        elif number in ends:
            name = next((text(each) for field, each in fields(value) if field == 1), '')
            ends[number].append(Value(name, value))
        strange = strange or number == 15
    return Model(nodes, tensors, ends[11], ends[12], b''.join(head), strange)


def read_node(data):
    """Reads a NodeProto."""
    op, inputs, outputs, factor, strange = '', [], [], 1, False
    for number, value in fields(data):
        if number == 1:
            inputs.append(text(value))
        elif number == 2:
            outputs.append(text(value))
        elif number == 4:
            op = text(value)
        elif number == 7:
            strange = strange or text(value) not in DOMAINS
        elif number == 5:
            attribute = [(field, each) for field, each in fields(value)]
            strange = strange or any(field in ELSEWHERE or field == 5 and read_tensor(each)[1].strange
                                     for field, each in attribute)
            if (1, b'strides') in attribute:
                factor = next((int(each) for field, each in attribute if field == 8), 1)
    return Node(op, inputs, outputs, factor, strange, data)


def read_tensor(data):
    """Reads a TensorProto: (name, Tensor)."""
    found = list(fields(data))
    name = next((text(value) for number, value in found if number == 8), '')
    dims = [value for number, value in found if number == 1]
    if not all(isinstance(side, int) for side in dims):
        raise ValueError('a text in the place of a number')
    return name, Tensor(dims, any(number in (13, 14) and value != 0 for number, value in found), data)


def node(op, inputs, outputs, **attributes):
    """A Node of ONNX's own domain.

    Args:
        op: str.
        inputs, outputs: lists of names.
        attributes: int, float, str, or list of ints or floats.
    """
    data = message((1, list(inputs)), (2, list(outputs)), (3, outputs[0]), (4, op), (5, [
        attribute(name, value) for name, value in sorted(attributes.items())]))
    return read_node(data)


def renamed(node, inputs, outputs):
    """A Node that reads and gives other names."""
    rest = [pair for pair in fields(node.data) if pair[0] not in (1, 2, 3)]
    return node._replace(inputs=list(inputs), outputs=list(outputs), data=message(
        (1, list(inputs)), (2, list(outputs)), (3, outputs[0]), *rest))


def attribute(name, value):
    """The bytes of an AttributeProto."""
    if isinstance(value, list):
        return message((1, name), (8, value), (20, 7)) if isinstance(value[0], int) else message(
            (1, name), (7, value), (20, 6))
    field, kind = {int: (3, 2), float: (2, 1), str: (4, 3)}[type(value)]
    return message((1, name), (field, value), (20, kind))


def constant(name, value):
    """A Tensor of an array, little-endian."""
    value = np.ascontiguousarray(value)
    return Tensor(list(value.shape), False, message(
        (1, list(value.shape)), (2, TYPES[value.dtype.name]), (8, name),
        (9, value.astype(value.dtype.newbyteorder('<')).tobytes())))


def constant_beside(name, dims, dtype, path, offset, length):
    """A Tensor whose numbers are `length` bytes of the file `path` beside, from `offset` on."""
    place = [message((1, key), (2, str(each))) for key, each in (
        ('location', path), ('offset', offset), ('length', length))]
    return Tensor(list(dims), True, message((1, list(dims)), (2, TYPES[np.dtype(dtype).name]), (8, name),
                                            (13, place), (14, 1)))


def value(name, *sides, dtype='float32'):
    """An input or output: Value; `sides` are ints, or names for those that may be of any length."""
    dims = [message((1 if isinstance(side, int) else 2, side)) for side in sides]
    kind = message((1, message((1, TYPES[dtype]), (2, message((1, dims))))))
    return Value(name, message((1, name), (2, kind)))


def head_of(opset, ir_version, description, metadata):
    """What stands beside the graph, for Model.head.

    Args:
        opset, ir_version: int.
        description: str, for whoever looks into the file.
        metadata: dict of str -> str.
    """
    return message((1, ir_version), (2, 'resnet_in_tf'), (6, description), (8, message((2, opset))), (14, [
        message((1, key), (2, metadata[key])) for key in sorted(metadata)]))


def write(model):
    """The bytes of a Model, as a file has them."""
    graph = message((1, [each.data for each in model.nodes]), (2, 'resnet_in_tf'),
                    (5, [each.data for each in model.tensors.values()]),
                    (11, [each.data for each in model.inputs]), (12, [each.data for each in model.outputs]))
    return model.head + message((7, graph))


def cut(model, inputs, outputs):
    """A part of a network by itself.

    Args:
        model: Model.
        inputs: list of Value; what is computed before them is left out, and a constant of the name too. Those
            that the part does without are left out.
        outputs: list of Value.

    Returns:
        Model.
    """
    given = {each.name for each in inputs}
    wanted, kept = {each.name for each in outputs} - given, []
    for each in reversed(model.nodes):
        made = [name for name in each.outputs if name in wanted]
        if made:
            kept.append(each)
            wanted.update(name for name in each.inputs if name and name not in given)
    read_by_any = {name for each in kept for name in each.inputs}
    return model._replace(
        nodes=kept[::-1], tensors={name: tensor for name, tensor in model.tensors.items() if name in wanted},
        inputs=[each for each in inputs if each.name in read_by_any], outputs=outputs)
