"""The same bytes from run to run: tf2onnx goes through sets, and numbers its names on and on.

Also TensorFlow, which numbers the functions of a process.
"""

import hashlib
import re


def canonical_onnx(model):
    """Puts an ONNX model's nodes in an order, and gives them names, that its arithmetic alone decides.

    What is computed twice from the same values is computed once: which of the two a later node takes
    would be chance.

    Args:
        model: onnx.ModelProto without graphs within graphs; it is changed.
    """
    graph = model.graph
    outputs = {value.name for value in graph.output}
    digest = {value.name: 'input ' + value.name for value in graph.input}
    constants, nodes, depth, made = {}, {}, {}, {}
    for tensor in graph.initializer:
        name, tensor.name = tensor.name, ''
        digest[name] = digest_of(tensor.SerializeToString())
        constants[digest[name]] = tensor
    for node in graph.node:
        attributes = sorted(node.attribute, key=lambda each: each.name)
        for attribute in attributes:
            if attribute.HasField('t'):
                attribute.t.name = ''
        key = digest_of(*[node.op_type.encode(), node.domain.encode(), b'%d' % len(node.output)]
                        + [attribute.SerializeToString() for attribute in attributes]
                        + [digest.get(name, '').encode() for name in node.input]
                        + [name.encode() for name in node.output if name in outputs])
        depth[key] = 1 + max([made.get(name, 0) for name in node.input], default=0)
        nodes.setdefault(key, (node, attributes))
        for number, name in enumerate(node.output):
            digest[name], made[name] = '%s %d' % (key, number), depth[key]
    order = sorted(nodes, key=lambda key: (depth[key], key))
    names = {value: value[len('input '):] for value in digest.values() if value.startswith('input ')}
    for number, key in enumerate(sorted(constants)):
        names[key] = constants[key].name = 'constant_%d' % number
    final = []
    for number, key in enumerate(order):
        node, attributes = nodes[key]
        node.name = '%s_%d' % (node.op_type.lower(), number)
        node.input[:] = [names.get(digest.get(name), '') for name in node.input]
        for place, name in enumerate(node.output):
            names[digest[name]] = name if name in outputs or not name else '%s_%d' % (node.name, place)
            node.output[place] = names[digest[name]]
        attributes = [type(attribute).FromString(attribute.SerializeToString()) for attribute in attributes]
        del node.attribute[:]
        node.attribute.extend(attributes)
        final.append(type(node).FromString(node.SerializeToString()))
    tensors = [constants[key] for key in sorted(constants)]
    tensors = [type(tensor).FromString(tensor.SerializeToString()) for tensor in tensors]
    for field, values in (('node', final), ('initializer', tensors), ('value_info', [])):
        graph.ClearField(field)
        getattr(graph, field).extend(values)


def digest_of(*parts):
    """Checksum of byte strings, each with its length."""
    return hashlib.sha256(b''.join(b'%d:%s' % (len(part), part) for part in parts)).hexdigest()


def canonical_saved_model(data):
    """Numbers the functions of a SavedModel by their order in it, and its maps by their keys.

    Args:
        data: bytes of a saved_model.pb.

    Returns:
        bytes.
    """
    from tensorflow.core.protobuf import saved_model_pb2
    model = saved_model_pb2.SavedModel.FromString(data)
    for meta in model.meta_graphs:
        library = meta.graph_def.library
        names = {}
        for function in sorted(library.function, key=lambda each: number_of(each.signature.name)):
            name = function.signature.name
            names[name] = '%s_%d' % (re.sub(r'_\d+$', '', name), len(names))
        rename(meta, names)
        functions = sorted(library.function, key=lambda each: number_of(each.signature.name))
        functions = [type(function).FromString(function.SerializeToString()) for function in functions]
        del library.function[:]
        library.function.extend(functions)
    return model.SerializeToString(deterministic=True)


def rename(message, names):
    """Puts new names for old in all texts of a protobuf message, as parts of longer names, too."""
    def renamed(text):
        return pattern.sub(lambda found: names[found.group()], text)

    def visit(message):
        for field, value in message.ListFields():
            repeated = not isinstance(value, (str, bytes)) and hasattr(value, '__len__')
            if field.cpp_type == field.CPPTYPE_MESSAGE:
                is_map = repeated and hasattr(value, 'values')
                for each in (value.values() if is_map else value if repeated else [value]):
                    if hasattr(each, 'ListFields'):
                        visit(each)
            elif field.type == field.TYPE_STRING and repeated:
                value[:] = [renamed(text) for text in value]
            elif field.type == field.TYPE_STRING:
                setattr(message, field.name, renamed(value))

    if names:
        pattern = re.compile('(?:%s)(?![0-9])' % '|'.join(
            re.escape(name) for name in sorted(names, key=len, reverse=True)))
        visit(message)


def number_of(name):
    """The number that a name ends in, and the name."""
    found = re.search(r'\d+$', name)
    return int(found.group()) if found else -1, name
