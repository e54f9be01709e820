"""A style for every pixel: maps in the place of what a frozen network has once a picture.

Gamma and beta of each normalization, the map of colours that makes a palette and the share of the photo come
from style weights by broadcasting. Here they come from a row of style weights for each of K regions, mixed at
every pixel by its shares of them: one pass, and no seam.

Statistics are those of the whole picture. Of one that is painted in several styles they are none that any of
these has seen: colours would go astray. So a small copy is painted beside it, in each style alone and in all
of them by region. Features of the picture are given the statistics of the small mixed one, then what each
style alone does to its own. Equal styles cancel out: they are as without regions, whatever the masks.

Names and forms stay, so that all that swaps, cuts or converts nodes does so here, too.
"""

import collections

import tensorflow.compat.v1 as tf

from resnet_in_tf.graphs import const_value, node_of
from resnet_in_tf.instance_norm import graph as norm_graph
from resnet_in_tf.network import frozen
from resnet_in_tf.network.interface import REGIONS, SMALL_IMAGE, SMALL_REGIONS
from resnet_in_tf.network.layers import JOINT, OWN, PHOTO, PICTURE, SINGLE, level

INPUTS = REGIONS, SMALL_IMAGE, SMALL_REGIONS
SCOPE = 'maps'  # of what is added
SHARED = ('Const', 'Placeholder', 'PlaceholderWithDefault')
PAD = ('generator/pad_to_grid/GatherV2', 'generator/pad_to_grid/GatherV2_1')  # of rows, then of columns
PALETTE = 'generator/palette/'


def with_regions(graph_def):
    """Gives a frozen network regions.

    Args:
        graph_def: tf.GraphDef as frozen.read_graph gives it, without style predictor; it is not changed.

    Returns:
        tf.GraphDef. `image` is one picture, [1, H, W, 3]; `style_weights` and `row` have a row for each
        region, [K, S]; `regions`, float32 [1, H, W, K], are the regions' shares of each pixel, which sum to
        one; `small_image` and `small_regions` are reduced copies of the whole picture and its regions.
    """
    network = Network(graph_def)
    with tf.Graph().as_default() as graph:
        regions, small_regions = [tf.placeholder(tf.float32, [1, None, None, None], name)
                                  for name in (REGIONS, SMALL_REGIONS)]
        small = tf.placeholder(tf.float32, [1, None, None, 3], SMALL_IMAGE)
        with tf.name_scope(SCOPE):
            network.paint_singly(small)
            network.paint_jointly(small_regions)
            network.paint(regions)
        added = [node for node in graph.as_graph_def().node if node.name not in network.outside]
    result = tf.GraphDef(versions=graph_def.versions)
    result.node.extend(network.copies + added)
    kept = {frozen.STYLIZED, frozen.STYLE_NAMES, frozen.CARD, PHOTO} & set(network.nodes)
    return tf.graph_util.extract_sub_graph(result, sorted(kept.union(INPUTS)))


class Network:
    """A frozen network whose nodes are copied, while tensors are put in the place of some.

    Args:
        graph_def: tf.GraphDef.

    Attributes:
        nodes: dict of its nodes by name.
        copies: list of tf.NodeDef, what is made of them.
        outside: names of placeholders in the current graph that stand for tensors of the copies.
    """

    def __init__(self, graph_def):
        self.nodes = {node.name: node for node in graph_def.node}
        self.copies, self.outside = [], set()
        self.norms = {scope: node_of(found['X']) for scope, found in norm_graph.matches(graph_def)}

    def copy(self, prefix, moved):
        """Copies nodes under a prefix, all but SHARED ones; `moved` are names of tensors and of what is there
        now, a pair of a node and the number of an input for that one alone.
        """
        def named(name):
            return moved.get(name) or (name if self.nodes[node_of(name)].op in SHARED else prefix + name)

        for node in self.nodes.values():
            if not prefix or node.op not in SHARED:
                copy = tf.NodeDef()
                copy.CopyFrom(node)
                copy.name = prefix + node.name
                copy.input[:] = [moved.get((node.name, number)) or named(name)
                                 for number, name in enumerate(node.input)]
                self.copies.append(copy)
                if not prefix and node.name == frozen.STYLE_WEIGHTS:  # its default is a row for each picture
                    copy.op = 'Placeholder'
                    del copy.input[:]

    def tensor(self, name, shape=None, dtype=tf.float32):
        """A tensor of the copies, as a placeholder that stands for it in the current graph."""
        if name not in self.outside:
            self.outside.add(name)
            with tf.name_scope(None):
                return tf.placeholder(dtype, shape, name)
        return tf.get_default_graph().get_tensor_by_name(name + ':0')

    def channels(self, scope):
        """How many channels an instance norm has."""
        shape = self.nodes[scope + '/gamma'].input[1]
        return int(const_value(self.nodes[node_of(shape)])[3])

    def paint_singly(self, small):
        """Paints the small copy in the style of each region alone."""
        count = tf.shape(self.tensor(frozen.STYLE_WEIGHTS, [None, None]))[0]
        tiled = tf.tile(small, tf.stack([count, 1, 1, 1]))  # [K, h, w, 3]
        self.copy(SINGLE, {frozen.IMAGE: tiled.op.name, PHOTO: PHOTO})  # the photo lends its own palette

    def styled(self, x, scope, shares):
        """What the norm of each style alone does to its features, done to those of [1, h, w, C] by region."""
        shape = [1, 1, -1, self.channels(scope)]
        scale, mean, beta = [tf.reshape(self.tensor('%s%s/%s' % (SINGLE, scope, part)), shape)
                             for part in ('scale', 'mean', 'beta')]
        shares = behind(x, shares)
        return x * spread(scale, shares) + spread(beta - mean * scale, shares)

    def paint_jointly(self, small_regions):
        """Paints the small copy by region, with the statistics of each style alone."""
        shares, moved = self.levels(small_regions, JOINT), {frozen.IMAGE: SMALL_IMAGE}
        for scope, conv in self.norms.items():
            styled = self.styled(self.tensor(JOINT + conv), scope, shares[level(scope)])
            moved[scope + norm_graph.LAST] = styled.op.name
        self.copy(JOINT, moved)

    def paint(self, regions):
        """Paints the picture by region."""
        shares, moved = self.levels(regions, ''), {}
        for scope in self.norms:
            # Equals what it is given where picture and small copy are one.
            parts = [self.tensor('%s%s/%s' % (JOINT, scope, part))
                     for part in ('mean', 'stabilized', 'inverse_deviation')]
            joint = {'gamma': parts[1] * parts[2], 'beta': parts[0]}
            for part, value in joint.items():
                moved[scope + '/' + part, 0] = tf.reshape(value, [1, self.channels(scope)]).op.name
            styled = self.styled(self.tensor(scope + norm_graph.LAST), scope, shares[level(scope)])
            moved[scope + norm_graph.LAST] = styled.op.name
        if OWN in self.nodes:
            self.paint_palette(shares[PICTURE], moved)
        for name, node in self.nodes.items():
            if name.rpartition('/')[0] not in self.norms and not name.startswith(PALETTE):
                self.paint_vector(node, shares, moved)
        self.copy('', moved)

    def paint_palette(self, shares, moved):
        """As in a norm: the colours of the small mixed picture, then what each style does to its own."""
        slices = collections.Counter(node.input[0] for name, node in self.nodes.items()
                                     if node.op == 'StridedSlice' and name.startswith(PALETTE))
        wanted = next(name for name, count in slices.items() if count == 9 and name != OWN)
        moved[wanted] = JOINT + OWN
        given = self.nodes[PALETTE + 'clip_by_value/Minimum'].input[0]
        x = self.tensor(given)
        parts = [tf.reshape(self.tensor(SINGLE + PALETTE + part), [1, 1, -1, size])
                 for part, size in (('matrix', 9), ('shift', 3))]
        matrix, shift = [spread(part, behind(x, shares)) for part in parts]
        for channel in range(3):
            shift += x[:, :, :, channel:channel + 1] * matrix[:, :, :, 3 * channel:3 * channel + 3]
        moved[PALETTE + 'clip_by_value/Minimum', 0] = shift.op.name

    def paint_vector(self, node, shares, moved):
        """Mixes what has one number a channel and picture otherwise, for broadcasting: any other Reshape."""
        shape = const_value(self.nodes[node_of(node.input[1])]) if node.op == 'Reshape' else None
        if shape is None or len(shape) != 4 or shape.tolist()[:3] != [-1, 1, 1]:
            return
        source = self.nodes[node_of(node.input[0])]
        squared = source.op == 'Square'  # the photo's share: that of a mix, not a mix of such
        styles = self.tensor(source.input[0] if squared else node.input[0])
        mixed = spread(tf.reshape(styles, [1, 1, -1, int(shape[3])]), shares[level(node.name)])
        moved[node.name] = (tf.square(mixed) if squared else mixed).op.name

    def levels(self, regions, prefix):
        """Regions at each size of features: dict of PICTURE, 0, 1 and 2 -> float32 [1, h, w, K]."""
        rows, columns = [self.tensor(prefix + node_of(self.nodes[name].input[1]), [None], tf.int32)
                         for name in PAD]
        padded = tf.gather(tf.gather(regions, rows, axis=1), columns, axis=2)
        half = tf.nn.avg_pool2d(padded, 2, 2, 'VALID')
        return {PICTURE: regions, 0: padded, 1: half, 2: tf.nn.avg_pool2d(half, 2, 2, 'VALID')}


def behind(x, shares):
    """The shares, but not before x is there: else all maps of a network would be held at once."""
    return shares + tf.zeros_like(x[:, :, :, :1])


def spread(styles, shares):
    """What K styles have, mixed at every pixel: float32 [1, 1, K, C] by [1, h, w, K] to [1, h, w, C]."""
    return tf.nn.conv2d(shares, styles, 1, 'VALID')
