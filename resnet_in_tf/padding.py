"""Reflection padding by one gather, in the place of MirrorPad, which is slow on a CPU.

MirrorPad works out where each single number comes from, 1.15's and 2.15's alike; a gather copies a
position's channels at a time and is 2 to 10 times faster. Its gradient is the slower one, and other
runtimes have reflection padding of their own: so graphs are trained, frozen and exported with
MirrorPad, and it is replaced where TensorFlow loads one to run it.
"""

import functools

import tensorflow.compat.v1 as tf

from resnet_in_tf.instance_norm.fused import gpu_is_visible


def swap_to_gather(graph_def):
    """Replaces reflection padding of rows and columns by a gather of the same positions.

    The tensors that come out keep their names, and their values to the bit. On a GPU the graph
    stays as it is: MirrorPad is not slow there.

    Args:
        graph_def: a frozen GraphDef; it is not changed.

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
        paddings = reflection(node, nodes)
        result.node.extend([node] if paddings is None else gather_nodes(node, paddings))
    return result


def reflection(node, nodes):
    """((before, after) of rows, the same of columns) where a node pads by reflection, else None."""
    if node.op != 'MirrorPad' or node.attr['mode'].s != b'REFLECT':
        return None
    paddings = nodes.get(node.input[1].split(':')[0])
    if paddings is None or paddings.op != 'Const':
        return None
    paddings = tf.make_ndarray(paddings.attr['value'].tensor).tolist()
    if len(paddings) != 4 or paddings[0] != [0, 0] or paddings[3] != [0, 0]:
        return None
    return tuple(paddings[1]), tuple(paddings[2])


def gather_nodes(node, paddings):
    """The nodes that stand for a MirrorPad; the last of them has its name."""
    renamed = []
    for each in template(node.attr['T'].type, *paddings):
        copy = tf.NodeDef()
        copy.CopyFrom(each)
        copy.name = name_in(node, each.name)
        copy.input[:] = [name_in(node, name) for name in each.input]
        if each.op != 'Placeholder':
            renamed.append(copy)
    return renamed


def name_in(node, name):
    """What a tensor of the template is called where it stands for `node`."""
    return {'x': node.input[0], 'padded': node.name}.get(name, node.name + '/' + name)


@functools.lru_cache(maxsize=None)
def template(dtype, rows, columns):
    """Nodes of `reflect_pad` from the placeholder `x` to `padded`."""
    with tf.Graph().as_default() as graph:
        reflect_pad(tf.placeholder(dtype, [None, None, None, None], 'x'), rows, columns, 'padded')
        return list(graph.as_graph_def().node)


def reflect_pad(x, rows, columns, name='padded'):
    """Reflects rows and columns past the edges, which are not repeated, as tf.pad 'REFLECT' does.

    Args:
        x: [N, H, W, C], H and W above the paddings; less is an error when it runs.
        rows, columns: (before, after), ints.
        name: of the resulting node.

    Returns:
        [N, before + H + after, before + W + after, C], of the dtype of x.
    """
    batch, height, width, channels = tf.unstack(tf.shape(x))
    size = height * width
    starts = tf.pad(tf.range(0, size, width), [rows], 'REFLECT')  # [H']
    places = tf.pad(tf.range(width), [columns], 'REFLECT')  # [W']
    positions = tf.expand_dims(starts, 1) + places  # [H', W']
    x = tf.reshape(x, [batch, size, channels])  # [N, H*W, C]
    return tf.gather(x, positions, axis=1, name=name)
