"""A style for every pixel, as in style_maps, of an ONNX network that onnx_generator wrote: no TensorFlow.

The network stands three times in what is made of it: for a small copy of the picture in each style alone, for
that in all of them by region, and for the picture itself. Names of the last stay, so that tiles cut it, too.
"""

import collections

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import onnx_file, onnx_format
from resnet_in_tf.network.interface import (
    IMAGE,
    REGIONS,
    ROW,
    SMALL_IMAGE,
    SMALL_REGIONS,
    STYLE_WEIGHTS,
    STYLIZED,
)
from resnet_in_tf.network.layers import (
    CONV,
    GIVEN,
    JOINT,
    MATRIX,
    MIXED,
    MIXED_PALETTE,
    NORM_EPSILON,
    OWN,
    PHOTO,
    PICTURE,
    SHIFT,
    SHIFTED,
    SINGLE,
    level,
)
from resnet_in_tf.network.onnx_generator import pad_to_grid
from resnet_in_tf.network.onnx_steps import Steps, moments
from resnet_in_tf.pictures.palette import NUMBERS

STYLED = '/styled'  # behind a norm's scope: what it gives, by region
ADDED = 'maps/'  # begins the names of what is added
SIDES = {REGIONS: ('one', 'H', 'W', 'K'), SMALL_IMAGE: ('one', 'h', 'w', 3),
         SMALL_REGIONS: ('one', 'h', 'w', 'K'), STYLE_WEIGHTS: ('K', 'S'), ROW: ('rows', 'R')}


def with_regions(model, name):
    """Gives a network regions.

    Args:
        model: onnx_format.Model, as onnx_generator.serialized writes it; it is not changed.
        name: what to call it in a message.

    Returns:
        onnx_format.Model. Its inputs are those of style_maps.with_regions.

    Raises:
        UserError: it has the names of such a network, but not its steps.
    """
    try:
        network = Network(model)
        network.paint_singly()
        network.paint_jointly()
        network.paint()
    except (KeyError, IndexError):
        raise UserError('--mask: %s paints one style all over: it is not as freeze_graph.py writes one '
                        'today' % name) from None
    inputs = [onnx_format.value(each.name, *SIDES[each.name]) if each.name in SIDES else each
              for each in model.inputs]
    inputs += [onnx_format.value(each, *SIDES[each]) for each in (REGIONS, SMALL_IMAGE, SMALL_REGIONS)]
    tensors = dict(model.tensors, **network.steps.tensors)
    made = onnx_format.cut(model._replace(nodes=network.steps.nodes, tensors=tensors), inputs, model.outputs)
    if ROW in tensors:  # what it is where it is not fed
        made.tensors[ROW] = tensors[ROW]
    return made


class Network:
    """A network whose nodes are copied, while steps are put in the place of some.

    Args:
        model: onnx_format.Model.

    Attributes:
        scopes: list of str, of its norms.
        makers: dict from names to the node that gives each.
        readers: dict from names to the nodes that read each.
        steps: onnx_steps.Steps, what is made of it.
    """

    def __init__(self, model):
        self.model, self.scopes, self.steps = model, onnx_file.scopes_of(model), Steps(prefix=ADDED)
        self.makers = {output: node for node in model.nodes for output in node.outputs}
        self.readers, self.fed = collections.defaultdict(list), {each.name for each in model.inputs}
        early = set()  # what has no need of a style: constants, and the palette of the photo
        if PHOTO in self.makers:
            early.update(node.outputs[0] for node in onnx_format.cut(
                model, model.inputs, [onnx_format.value(PHOTO)]).nodes)
        for node in model.nodes:
            if self.fed.intersection(node.inputs):
                self.fed.update(node.outputs)
            if node.outputs[0] in early or node.outputs[0] not in self.fed:
                self.steps.nodes.append(node)
            for each in node.inputs:
                self.readers[each].append(node)
        self.early = early
        self.maps, self.joint = {}, {}  # by scope: scale and shift as kernels; mean and deviation

    def copy(self, prefix, moved, instead):
        """Copies what depends on an input.

        Args:
            prefix: str, of what the copies give.
            moved: dict from names to what the copies read instead.
            instead: dict from names that a node gives to functions that are called in its place.
        """
        for node in self.model.nodes:
            replace = [instead[name] for name in node.outputs if name in instead]
            if replace:
                replace[0]()
            elif node.outputs[0] in self.fed and (prefix or node.outputs[0] not in self.early):
                self.steps.nodes.append(onnx_format.renamed(
                    node, [moved.get(name) or (prefix + name if name in self.makers and name in self.fed
                                               else name) for name in node.inputs],
                    [prefix + name for name in node.outputs]))

    def each_norm(self, function):
        """`instead` for the norms: `function` of their scopes."""
        return {scope + SHIFTED: lambda scope=scope: function(scope) for scope in self.scopes}

    def paint_singly(self):
        """Paints the small copy in the style of each region alone."""
        steps = self.steps
        count = steps.add('Slice', steps.add('Shape', STYLE_WEIGHTS), steps.integers(0), steps.integers(1))
        size = steps.add('Concat', count, steps.integers(1, 1, 1), axis=0)
        small = steps.add('Expand', SMALL_IMAGE, size)  # [K, h, w, 3]

        def norm(scope):
            x = SINGLE + scope + CONV
            mean, variance = moments(steps, x)
            gamma, beta = [steps.add('Reshape', '%s%s/%s%s' % (SINGLE, scope, part, MIXED),
                                     steps.integers(0, -1, 1, 1)) for part in ('gamma', 'beta')]
            scale = steps.add('Div', gamma, self.deviation(variance))
            shift = steps.add('Sub', beta, steps.add('Mul', mean, scale))  # [K, C, 1, 1]
            steps.add('Add', steps.add('Mul', x, scale), shift, name=SINGLE + scope + SHIFTED)
            self.maps[scope] = [self.kernel(each) for each in (scale, shift)]
        # The photo lends its own palette.
        self.copy(SINGLE, {IMAGE: small, PHOTO: PHOTO}, self.each_norm(norm))

    def paint_jointly(self):
        """Paints the small copy by region, with the statistics of each style alone."""
        shares = self.levels(SMALL_REGIONS)

        def norm(scope):
            x = JOINT + scope + CONV
            mean, variance = moments(self.steps, x)
            self.joint[scope] = mean, self.deviation(variance)
            self.styled(x, scope, shares, JOINT + scope + SHIFTED)
        self.copy(JOINT, {IMAGE: SMALL_IMAGE}, self.each_norm(norm))

    def paint(self):
        """Paints the picture by region."""
        steps, shares = self.steps, self.levels(REGIONS)

        def norm(scope):
            steps.nodes.append(self.makers[scope + SHIFTED])
            self.styled(scope + SHIFTED, scope, shares, scope + STYLED)

        def numbers():  # equal to what a norm is given where picture and small copy are one
            for scope, (mean, deviation) in self.joint.items():
                for part, value in (('gamma', deviation), ('beta', mean)):
                    steps.add('Reshape', value, steps.integers(1, -1), name='%s/%s%s' % (scope, part, MIXED))

        instead = dict(self.each_norm(norm), **{'%s/gamma%s' % (self.scopes[0], MIXED): numbers})
        photo = self.photo_share()
        instead[photo.outputs[0]] = lambda: self.share_by_region(photo, shares[PICTURE])
        if PHOTO in self.makers:
            wanted = self.readers[MIXED_PALETTE][0].outputs[0]
            instead[wanted] = lambda: steps.add('Identity', JOINT + OWN, name=wanted)
            clip = self.behind(MATRIX, 'Reshape', 'Transpose', 'MatMul', 'Add', 'Clip')
            instead[clip.outputs[0]] = lambda: self.color_by_region(clip, shares[PICTURE])
        self.copy('', {scope + SHIFTED: scope + STYLED for scope in self.scopes}, instead)

    def photo_share(self):
        """The node that gives the photo's share, as onnx_generator.photo_share has it."""
        for node in self.readers[STYLE_WEIGHTS]:
            if node.op == 'Slice' and [each.op for each in self.readers[node.outputs[0]]] == ['Clip']:
                return self.behind(node.outputs[0], 'Clip', 'Mul', 'Reshape')
        raise KeyError(STYLIZED)

    def behind(self, name, *ops):
        """The last of a chain of nodes; KeyError where there is another."""
        for op in ops:
            node = next((node for node in self.readers[name] if node.op == op), None)
            if node is None:
                raise KeyError(name)
            name = node.outputs[0]
        return node

    def share_by_region(self, node, shares):
        """The photo's share, that of a mix of weights, not a mix of shares: [1, 1, H, W]."""
        clipped = self.makers[self.makers[node.inputs[0]].inputs[0]].outputs[0]  # [K, 1]
        kernel = self.steps.add('Reshape', clipped, self.steps.integers(1, -1, 1, 1))
        mixed = self.steps.add('Conv', shares, kernel)
        self.steps.add('Mul', mixed, mixed, name=node.outputs[0])

    def color_by_region(self, clip, shares):
        """As in a norm: the colours of the small mixed picture, then what each style does to its own."""
        steps = self.steps
        x = steps.add('Reshape', clip.inputs[0], steps.add('Shape', GIVEN))  # [1, 3, H, W]
        shares = self.late(shares, x)
        matrix, shift = [steps.add('Conv', shares, self.kernel(steps.add(
            'Reshape', SINGLE + part, steps.integers(-1, size, 1, 1))))
            for part, size in ((MATRIX, NUMBERS), (SHIFT, 3))]
        for channel, part in zip(steps.columns(x, 3), steps.columns(matrix, 3, 3)):
            shift = steps.add('Add', shift, steps.add('Mul', channel, part))
        flat = steps.add('Reshape', shift, steps.integers(0, 3, -1))
        steps.nodes.append(onnx_format.renamed(clip, [flat] + clip.inputs[1:], clip.outputs))

    def styled(self, x, scope, shares, name):
        """What the norm of each style alone does to its features, done to [1, C, h, w] by region."""
        shares = self.late(shares[level(scope + '/')], x)
        scale, shift = [self.steps.add('Conv', shares, kernel) for kernel in self.maps[scope]]
        self.steps.add('Add', self.steps.add('Mul', x, scale), shift, name=name)

    def late(self, shares, x):
        """The shares, but not before x is there: else all maps of a network would be held at once."""
        steps = self.steps
        one = steps.add('Slice', x, steps.integers(0), steps.integers(1), steps.integers(1))
        return steps.add('Add', shares, steps.scaled(one, 0.0))

    def levels(self, regions):
        """Regions at each size of features: dict of PICTURE, 0, 1 and 2 -> [1, K, h, w]."""
        picture = self.steps.add('Transpose', regions, perm=[0, 3, 1, 2])
        sizes = [pad_to_grid(self.steps, picture)[0]]
        for _ in (1, 2):
            sizes.append(self.steps.add('AveragePool', sizes[-1], kernel_shape=[2, 2], strides=[2, 2]))
        return dict(enumerate(sizes), **{PICTURE: picture})

    def kernel(self, x):
        """[K, C, 1, 1] as the kernel of a convolution that mixes it by shares."""
        return self.steps.add('Transpose', x, perm=[1, 0, 2, 3])

    def deviation(self, variance):
        """The square root of a variance and epsilon."""
        return self.steps.add('Sqrt', self.steps.add('Add', variance, self.steps.number(NORM_EPSILON)))
