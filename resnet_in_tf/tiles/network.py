"""The network with the statistics of its normalizations taken out: each becomes a fixed affine map.

With mean and variance given, formula (11) is y = scale * x + shift, which folds into the
convolution in front of it: less work than the network itself, and no pixel depends on a far one.
"""

import collections

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.graphs import node_of, session_config, within_memory
from resnet_in_tf.instance_norm import graph as norm_graph
from resnet_in_tf.network import frozen
from resnet_in_tf.network.cpu_graph import swap_for_cpu
from resnet_in_tf.network.interface import REGIONS
from resnet_in_tf.network.layers import GIVEN, MATRIX, OWN, PHOTO, SHIFT, SMALL
from resnet_in_tf.network.regions import Fed
from resnet_in_tf.tiles.fixed import Affine, Norm, Step

Place = collections.namedtuple('Place', 'scope conv epsilon')  # of a norm; `conv` gives what it normalizes

REDUCTIONS = ('Mean', 'Sum', 'Max', 'Min', 'Prod')
PLAIN, FIXED = 'plain', 'fixed'  # scopes of the two forms in one graph


def find_norms(graph_def):
    """The instance norms of a frozen graph, first to last.

    Returns:
        List of Place.

    Raises:
        UserError: some statistic over positions is not part of an instance norm or a palette.
    """
    nodes, norms = {node.name: node for node in graph_def.node}, []
    for scope, found in norm_graph.matches(graph_def):
        if nodes[found['X']].op == 'Conv2D':
            norms.append(Place(scope, found['X'], float(found['epsilon'])))
    scopes = (SMALL,) + tuple(norm.scope + '/' for norm in norms)
    if has_palette(graph_def):
        scopes += (GIVEN.rpartition('/')[0] + '/',)
    for node in graph_def.node:
        if (node.op in REDUCTIONS and node.attr['T'].type == tf.float32.as_datatype_enum
                and not node.name.startswith(scopes)):
            raise UserError('this network cannot be run in tiles: %s takes a statistic of the '
                            'whole picture; give --max_memory enough for one pass' % node.name)
    return norms


def has_palette(graph_def):
    """Whether a network's last step takes on a palette."""
    return {GIVEN, OWN, PHOTO, MATRIX, SHIFT} <= {node.name for node in graph_def.node}


def colors_of(graph_def):
    """Names of the tensors that a palette is fixed by; the photo's own palette, too, where regions mix it."""
    if not has_palette(graph_def):
        return []
    return [MATRIX, SHIFT] + [PHOTO] * any(node.name == REGIONS for node in graph_def.node)


def fix_statistics(graph_def, norms):
    """Puts a fed scale and shift in the place of each norm, and a fed map of colours in that of a palette.

    Args:
        graph_def: tf.GraphDef with the reference form of instance norm.
        norms: list of Place, from `find_norms`.

    Returns:
        tf.GraphDef; under the scope of each norm it has the placeholders `fixed_scale` and
        `fixed_shift`, float32 [C], and `shifted`, the normalized output before any ReLU.
    """
    nodes = {node.name: node for node in graph_def.node}
    gone = {norm.conv for norm in norms}
    gone.update(norm.scope + '/' + part for norm in norms for part, _, _ in norm_graph.PATTERN)
    fed = colors_of(graph_def)
    gone.update(fed)
    result = tf.GraphDef(versions=graph_def.versions)
    result.node.extend(node for node in graph_def.node if node.name not in gone)
    result.node.extend(placeholder(name) for name in fed)
    for norm in norms:
        conv = tf.NodeDef()
        conv.CopyFrom(nodes[norm.conv])
        folded = node_of_floats(norm.scope + '/folded', 'Mul',
                                [conv.input[1], norm.scope + '/fixed_scale'])
        conv.input[1] = folded.name
        result.node.extend([
            placeholder(norm.scope + '/fixed_scale'), placeholder(norm.scope + '/fixed_shift'),
            folded, conv, node_of_floats(norm.scope + norm_graph.LAST, 'BiasAdd',
                                         [conv.name, norm.scope + '/fixed_shift'])])
    return result


def factor_of(node):
    """How many times fewer rows a node's output has than its input, as in fixed.Step."""
    if node.op == 'Conv2D':
        return node.attr['strides'].list.i[1]
    return 0.5 if node.op.startswith('Resize') else 1


def node_of_floats(name, op, inputs):
    node = tf.NodeDef(name=name, op=op, input=inputs)
    node.attr['T'].type = tf.float32.as_datatype_enum
    return node


def placeholder(name):
    node = tf.NodeDef(name=name, op='Placeholder')
    node.attr['dtype'].type = tf.float32.as_datatype_enum
    return node


class FixedNetwork:
    """A network that runs on tiles, and tells the statistics that they share.

    Args:
        graph_def: tf.GraphDef as frozen.read_graph gives it.
        bfloat16: whether it is computed in bfloat16.

    Attributes:
        norms: list of Norm.
        graph_def: tf.GraphDef of the form with fixed statistics.
        steps: dict from names to Step, of the form with fixed statistics.
        given: name of the step that a palette is put on.
        width: int, channels of the first layer.
        has_palette: whether its last step takes on a palette.
        styles: int, S; behind so many weights a style may have a row of its own.

    Where a method takes style weights, a network with regions takes a Fed.

    Raises:
        UserError: the network has a normalization that cannot be fixed.
    """

    def __init__(self, graph_def, bfloat16=False):
        self.places = find_norms(graph_def)
        self.norms = [Norm(place.scope + norm_graph.LAST, place.epsilon) for place in self.places]
        self.graph_def = fix_statistics(graph_def, self.places)
        self.steps = {node.name: Step([node_of(source) for source in node.input], factor_of(node))
                      for node in self.graph_def.node}
        self.given = GIVEN
        self.width = frozen.first_width(graph_def)
        self.colors = colors_of(graph_def)
        self.has_palette = bool(self.colors)
        self.styles = frozen.count_styles(graph_def)
        graph = tf.Graph()
        with graph.as_default():
            for scope, each in ((PLAIN, graph_def), (FIXED, self.graph_def)):
                tf.import_graph_def(swap_for_cpu(each), name=scope)
        self.session = tf.Session(graph=graph, config=session_config(bfloat16))
        self.fetch = within_memory(self.session.run)

    def statistics_of(self, photo, style_weights):
        """What each norm does to a picture that is run whole.

        Args:
            photo: uint8 or float32 [H, W, 3].
            style_weights: float32 [S], or [S + R].

        Returns:
            List of Affine, one a norm, and the palette's, `palette_affine`, where there is one.
        """
        names = ['%s/%s/%s:0' % (PLAIN, place.scope, part)
                 for place in self.places for part in ('mean', 'scale', 'beta')]
        colors = ['%s/%s:0' % (PLAIN, name) for name in self.colors]
        norms, colors = self.fetch([names, colors], self.inputs(PLAIN, photo, style_weights))
        values = iter(norms)
        return [Affine(scale.ravel(), (beta - mean * scale).ravel())
                for mean, scale, beta in zip(values, values, values)] + (
                    [[value.ravel() for value in colors]] if colors else [])

    def palette_affine(self, own, photo, style_weights):
        """The map of colours that takes on a style's palette: list of float32 [9], [3]; with regions `photo`.

        Args:
            own, photo: float32 [9], the palette of what the network paints, and of the photo.
            style_weights: float32 [S], or [S + R].
        """
        feeds = self.style_inputs(PLAIN, style_weights)
        feeds.update({'%s/%s:0' % (PLAIN, name): value[None] for name, value in ((OWN, own), (PHOTO, photo))})
        return [value.ravel() for value in self.fetch(
            ['%s/%s:0' % (PLAIN, name) for name in self.colors], feeds)]

    def gamma_beta(self, style_weights):
        """The mixed gamma and beta of each norm: list of (float32 [C], float32 [C])."""
        names = ['%s/%s/%s:0' % (PLAIN, place.scope, part)
                 for place in self.places for part in ('gamma', 'beta')]
        values = iter(self.fetch(names, self.style_inputs(PLAIN, style_weights)))
        return [(gamma.ravel(), beta.ravel()) for gamma, beta in zip(values, values)]

    def run(self, fetches, tile, style_weights, affines, feeds=None):
        """Runs the form with fixed statistics, or a part of it.

        Args:
            fetches: names of nodes.
            tile: uint8 or float32 [h, w, 3], or [N, h, w, 3], h and w multiples of 4 unless it is
                run whole; None where the part does without.
            style_weights: float32 [S].
            affines: as `statistics_of` gives them, as far as the part needs them.
            feeds: dict from names of nodes to values [h', w', C] that need no computing.

        Returns:
            List of float32 [h', w', C], or [N, h', w', C].
        """
        given = {} if tile is None else self.inputs(FIXED, tile, style_weights)
        for place, affine in zip(self.places, affines):
            given['%s/%s/fixed_scale:0' % (FIXED, place.scope)] = affine.scale
            given['%s/%s/fixed_shift:0' % (FIXED, place.scope)] = affine.shift
        for colors in affines[len(self.norms):]:
            given.update({'%s/%s:0' % (FIXED, name): value[None] for name, value in zip(self.colors, colors)})
        for name, value in (feeds or {}).items():
            given['%s/%s:0' % (FIXED, name)] = value[None]
        values = self.fetch(['%s/%s:0' % (FIXED, name) for name in fetches], given)
        return values if np.ndim(tile) == 4 else [value[0] for value in values]

    def stylize(self, tile, style_weights, affines):
        """Restyles a tile [h, w, 3], exact but for its halo, or whole pictures [N, h, w, 3]: float32."""
        return self.run([frozen.STYLIZED], tile, style_weights, affines)[0]

    def inputs(self, scope, photo, style_weights):
        """What a form is fed: a picture, the style weights, and a row that stands behind them."""
        photo = np.asarray(photo, np.float32)
        return dict(self.style_inputs(scope, style_weights),
                    **{'%s/%s:0' % (scope, frozen.IMAGE): photo if photo.ndim == 4 else photo[None]})

    def style_inputs(self, scope, style_weights):
        """The same without a picture."""
        if isinstance(style_weights, Fed):
            weights, more = style_weights
        else:
            weights, more = np.asarray(style_weights, np.float32)[None], {}
        feeds = {'%s/%s:0' % (scope, name): value for name, value in more.items()}
        feeds['%s/%s:0' % (scope, frozen.STYLE_WEIGHTS)] = weights[:, :self.styles]
        if weights.shape[1] > self.styles:
            feeds['%s/%s:0' % (scope, frozen.ROW)] = weights[:, self.styles:]
        return feeds

    def close(self):
        """Gives the session's memory back."""
        self.session.close()
