"""Finds the reference form in a frozen graph and puts the fused op in its place."""

import collections

import tensorflow.compat.v1 as tf

from resnet_in_tf.graphs import const_value, node_of
from resnet_in_tf.instance_norm import fused

# The reference form, node by node: name under its scope, ops, inputs. An input with a slash is a
# node of the same scope, one in capitals comes from outside, the others are constants.
PATTERN = (
    ('gamma', ('Reshape',), ('GAMMA', 'shape')),
    ('beta', ('Reshape',), ('BETA', 'shape')),
    ('mean_of_columns', ('Mean',), ('X', 'axis 2')),
    ('mean', ('Mean',), ('/mean_of_columns', 'axis 1')),
    ('centered', ('Sub',), ('X', '/mean')),
    ('squared', ('Square',), ('/centered',)),
    ('variance_of_columns', ('Mean',), ('/squared', 'axis 2')),
    ('variance', ('Mean',), ('/variance_of_columns', 'axis 1')),
    ('stabilized', ('Add', 'AddV2'), ('/variance', 'epsilon')),
    ('inverse_deviation', ('Rsqrt',), ('/stabilized',)),
    ('scale', ('Mul',), ('/gamma', '/inverse_deviation')),
    ('scaled', ('Mul',), ('/centered', '/scale')),
    ('shifted', ('Add', 'AddV2'), ('/scaled', '/beta')),
)
LAST = '/shifted'


def swap_to_fused(graph_def, impl='auto'):
    """Replaces every reference instance norm, and a ReLU right behind it, by the fused op.

    The tensors that come out keep their names. What is not the reference form to the letter, or
    has an inner tensor that something else reads, stays as it is.

    Args:
        graph_def: a frozen GraphDef; it is not changed.
        impl: 'auto' (swap where the fused op runs), 'fused' (swap) or 'reference' (do not).

    Returns:
        A new GraphDef.

    Raises:
        ValueError: impl is not one of the above.
        RuntimeError: impl is 'fused' and the kernel cannot be built or loaded.
    """
    result = tf.GraphDef()
    result.CopyFrom(graph_def)
    if not fused.is_chosen(impl):
        return result
    readers, replaced, removed = readers_of(graph_def), [], set()
    for scope, found in matches(graph_def):
        behind = readers[scope + LAST]
        has_relu = len(behind) == 1 and behind[0].op == 'Relu'
        output = behind[0].name if has_relu else scope + LAST
        replaced.append(fused_node(output, found, 'relu' if has_relu else 'none'))
        removed.update([output] + [scope + '/' + part for part, _, _ in PATTERN])
    kept = [node for node in graph_def.node if node.name not in removed]
    del result.node[:]
    result.node.extend(kept + replaced)
    return result


def readers_of(graph_def):
    """Which nodes read each node: dict of lists, empty ones where none does."""
    readers = collections.defaultdict(list)
    for node in graph_def.node:
        for name in node.input:
            readers[node_of(name)].append(node)
    return readers


def matches(graph_def):
    """The reference instance norms of a frozen graph, in its order: list of (scope, dict as of `match`)."""
    nodes, readers = {node.name: node for node in graph_def.node}, readers_of(graph_def)
    scopes = [name[:-len(LAST)] for name in nodes if name.endswith(LAST)]
    found = [(scope, match(scope, nodes, readers)) for scope in scopes]
    return [(scope, each) for scope, each in found if each]


def match(scope, nodes, readers):
    """The reference form under a scope.

    Returns:
        dict with the input names 'X', 'GAMMA', 'BETA' and the number 'epsilon'; None where the
        nodes are not the reference form.
    """
    found = {}
    inside = {scope + '/' + part for part, _, _ in PATTERN}
    for part, ops, labels in PATTERN:
        node = nodes.get(scope + '/' + part)
        if node is None or node.op not in ops or len(node.input) != len(labels):
            return None
        if '/' + part != LAST and any(each.name not in inside for each in readers[node.name]):
            return None
        for label, name in zip(labels, node.input):
            if label.startswith('/'):
                fits = name == scope + label
            elif label.isupper():
                fits = found.setdefault(label, name) == name
            else:
                value = const_value(nodes[node_of(name)])
                found[label] = value
                axis = int(label.split()[1]) if label.startswith('axis') else None
                fits = value is not None and (axis is None or (
                    value.ravel().tolist() == [axis] and node.attr['keep_dims'].b))
            if not fits:
                return None
    return found


def fused_node(name, found, activation):
    node = tf.NodeDef(name=name, op=fused.OP, input=[found['X'], found['GAMMA'], found['BETA']])
    node.attr['epsilon'].f = float(found['epsilon'])
    node.attr['activation'].s = activation.encode()
    return node
