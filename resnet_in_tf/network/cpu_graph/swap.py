"""Puts faster nodes in the place of slow ones."""

import functools

import tensorflow.compat.v1 as tf

from resnet_in_tf.graphs import gpu_is_visible
from resnet_in_tf.network.cpu_graph.few_outputs import convolution_to_few
from resnet_in_tf.network.cpu_graph.padding import reflection
from resnet_in_tf.network.cpu_graph.upsampling import upsampled_convolution

# Each takes a node and a dict of all nodes by name, and gives None or what stands for it: a function
# that builds that from tensors, the names of those tensors, and the function's other arguments.
RULES = (upsampled_convolution, convolution_to_few, reflection)


def swap_for_cpu(graph_def, rules=RULES):
    """Replaces what is slow on a CPU; every tensor keeps its name.

    On a GPU the graph stays as it is.

    Args:
        graph_def: a frozen GraphDef; it is not changed.
        rules: those of RULES to follow.

    Returns:
        A new GraphDef.
    """
    result = tf.GraphDef()
    result.CopyFrom(graph_def)
    if gpu_is_visible():
        return result
    nodes = {node.name: node for node in graph_def.node}
    del result.node[:]
    for node in graph_def.node:
        found = next(filter(None, (rule(node, nodes) for rule in rules)), None)
        result.node.extend(replacement(node, *found) if found else [node])
    return result


def replacement(node, build, inputs, *arguments):
    """The nodes that stand for a node; the last of them has its name."""
    names = {'input%d' % number: name for number, name in enumerate(inputs)}
    names['output'] = node.name
    renamed = []
    for each in template(build, node.attr['T'].type, len(inputs), *arguments):
        copy = tf.NodeDef()
        copy.CopyFrom(each)
        copy.name = names.get(each.name, node.name + '/' + each.name)
        copy.input[:] = [names.get(name, node.name + '/' + name) for name in each.input]
        if each.op != 'Placeholder':
            renamed.append(copy)
    return renamed


@functools.lru_cache(maxsize=None)
def template(build, dtype, inputs, *arguments):
    """Nodes from the placeholders `input0`, `input1`, ... to `output`."""
    with tf.Graph().as_default() as graph:
        tensors = [tf.placeholder(dtype, [None] * 4, 'input%d' % number) for number in range(inputs)]
        build(*tensors + list(arguments), name='output')
        return list(graph.as_graph_def().node)
