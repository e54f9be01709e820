"""Tiles in onnxruntime: the parts that they need, cut out of an ONNX network.

As in `network`, each normalization becomes a scale and a shift that are fed; here it is node by node, for
onnx_generator gives the steps their names.
"""

import numpy as np

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import interface, onnx_file, onnx_format
from resnet_in_tf.network.layers import CONV, GIVEN, MATRIX, MIXED, NORM_EPSILON, OWN, PHOTO, SHIFT, SHIFTED
from resnet_in_tf.pictures.palette import NUMBERS
from resnet_in_tf.tiles.fixed import Affine, Norm, Step

REDUCTIONS = ('ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'GlobalAveragePool',
              'InstanceNormalization')
DOUBLING = ('Resize', 'DepthToSpace')  # to twice the size
SCALE, ADDED, MEAN, VARIANCE = '/scale', '/shift', '/mean', '/variance'  # behind a norm's scope, as CONV
MATRIX_SIDES, SHIFT_SIDES = ('N', NUMBERS), ('N', 3)


class OnnxNetwork:
    """A network that runs on tiles, and tells the statistics that they share.

    Args:
        data: bytes of an ONNX file.
        name: what to call it in a message.
        width: int, channels of the first layer.
        styles: int, S; behind so many weights a style may have a row of its own.

    Attributes:
        norms: list of fixed.Norm.
        steps: dict from names to fixed.Step, of the form with fixed statistics.
        given: name of the step that a palette is put on.
        width: int, channels of the first layer.
        has_palette: whether its last step takes on a palette.

    Raises:
        UserError: the network has a normalization that cannot be fixed.
    """

    def __init__(self, data, name, width, styles):
        self.model, self.name, self.width, self.styles = onnx_format.read(data), name, width, styles
        made = {output for node in self.model.nodes for output in node.outputs}
        self.scopes = [output[:-len(SHIFTED)] for node in self.model.nodes for output in node.outputs
                       if output.endswith(SHIFTED) and output[:-len(SHIFTED)] + CONV in made]
        self.norms = [Norm(scope + SHIFTED, NORM_EPSILON) for scope in self.scopes]
        self.has_palette, self.given = {GIVEN, MATRIX, SHIFT} <= made, GIVEN
        self.fixed, self.opened = self.fix_statistics(), (None, None)
        self.steps = {each.name: Step([], 1) for each in self.fixed.inputs}
        self.steps.update((name, Step([], 1)) for name in self.fixed.tensors)
        for node in self.fixed.nodes:
            factor = 0.5 if node.op in DOUBLING else node.factor
            self.steps.update((output, Step([each for each in node.inputs if each], factor))
                              for output in node.outputs)

    def fix_statistics(self):
        """The network with a fed scale and shift for each norm, and a fed map of colours: Model."""
        nodes, inputs = [], list(self.model.inputs)
        scopes = {scope + SHIFTED: scope for scope in self.scopes}
        for node in self.model.nodes:
            scope = scopes.get(node.outputs[0])
            if scope is None:
                nodes.append(node)
                continue
            scaled = scope + '/scaled'
            nodes += [onnx_format.node('Mul', [scope + CONV, scope + SCALE], [scaled]),
                      onnx_format.node('Add', [scaled, scope + ADDED], [scope + SHIFTED])]
            inputs += [onnx_format.value(scope + part, 'C', 1, 1) for part in (SCALE, ADDED)]
        if self.has_palette:
            inputs += [onnx_format.value(MATRIX, *MATRIX_SIDES), onnx_format.value(SHIFT, *SHIFT_SIDES)]
        fixed = onnx_format.cut(self.model._replace(nodes=nodes), inputs, self.model.outputs)
        for node in fixed.nodes:
            if node.op in REDUCTIONS:
                raise UserError('this network cannot be run in tiles: %s takes a statistic of the whole '
                                'picture; give --max_memory enough for one pass' % node.outputs[0])
        return fixed

    def statistics_of(self, photo, style_weights):
        """What each norm does to a picture that is run whole.

        Args:
            photo: uint8 or float32 [H, W, 3].
            style_weights: float32 [S], or [S + R].

        Returns:
            List of Affine, one a norm, and one for the palette where there is one.
        """
        nodes, wanted = list(self.model.nodes), []
        for scope in self.scopes:
            centered = scope + '/centered'
            nodes += [onnx_format.node('ReduceMean', [scope + CONV], [scope + MEAN], axes=[2, 3], keepdims=1),
                      onnx_format.node('Sub', [scope + CONV, scope + MEAN], [centered]),
                      onnx_format.node('Mul', [centered, centered], [scope + '/squared']),
                      onnx_format.node('ReduceMean', [scope + '/squared'], [scope + VARIANCE], axes=[2, 3],
                                       keepdims=1)]
            wanted += [scope + part for part in (MEAN, VARIANCE)]
        model = self.model._replace(nodes=nodes)
        outputs = [onnx_format.value(name, 'N', 'C', 1, 1) for name in wanted]
        if self.has_palette:
            outputs += [onnx_format.value(MATRIX, *MATRIX_SIDES), onnx_format.value(SHIFT, *SHIFT_SIDES)]
        found = iter([each.ravel() for each in self.run_part(
            model, outputs, self.inputs(photo, style_weights))])
        affines = []
        for gamma, beta in self.gamma_beta(style_weights):
            mean, variance = next(found), next(found)
            scale = gamma / np.sqrt(variance + np.float32(NORM_EPSILON))
            affines.append(Affine(scale, beta - mean * scale))
        return affines + ([Affine(*found)] if self.has_palette else [])

    def palette_affine(self, own, photo, style_weights):
        """The map of colours that takes on a style's palette: Affine; arguments as FixedNetwork has them."""
        sides = ('N', NUMBERS)
        given = {name: (value[None], sides) for name, value in ((OWN, own), (PHOTO, photo))}
        outputs = [onnx_format.value(MATRIX, *MATRIX_SIDES), onnx_format.value(SHIFT, *SHIFT_SIDES)]
        return Affine(*[each.ravel() for each in self.run_part(
            self.model, outputs, self.style_inputs(style_weights), given)])

    def gamma_beta(self, style_weights):
        """The mixed gamma and beta of each norm: list of (float32 [C], float32 [C])."""
        names = ['%s/%s%s' % (scope, part, MIXED) for scope in self.scopes for part in ('gamma', 'beta')]
        values = iter(self.run_part(self.model, [onnx_format.value(name, 'N', 'C') for name in names],
                                    self.style_inputs(style_weights)) if names else [])
        return [(gamma.ravel(), beta.ravel()) for gamma, beta in zip(values, values)]

    def run_part(self, model, outputs, feeds, given=None):
        """Runs a part of a network once.

        Args:
            model: onnx_format.Model.
            outputs: list of onnx_format.Value.
            feeds: dict from the network's inputs to arrays.
            given: dict from names of other steps to (array, its sides as onnx_format.value takes them).

        Returns:
            List of arrays.
        """
        given = given or {}
        inputs = model.inputs + [onnx_format.value(name, *sides) for name, (_, sides) in given.items()]
        part = onnx_format.cut(model, inputs, outputs)
        session = onnx_file.open_session(onnx_format.write(part), self.name)
        feeds = dict(feeds, **{name: array for name, (array, _) in given.items()})
        return self.fetch(session, [each.name for each in outputs], feeds)

    def fetch(self, session, names, feeds):
        """What a session gives for some of its outputs; what it does without is not fed."""
        known = {each.name for each in session.get_inputs()} | {
            each.name for each in session.get_overridable_initializers()}
        return onnx_file.within_memory(session.run)(
            names, {name: value for name, value in feeds.items() if name in known})

    def run(self, fetches, tile, style_weights, affines, feeds=None):
        """Runs the form with fixed statistics, or a part of it; arguments as FixedNetwork has them.

        Returns:
            List of float32 [h', w', C].
        """
        feeds = feeds or {}
        key = (tuple(fetches), tuple(sorted(feeds)))
        if self.opened[0] != key:  # one at a time: each holds on to the memory of a run
            self.opened = (None, None)
            inputs = self.fixed.inputs + [onnx_format.value(name, *self.sides(name)) for name in feeds]
            part = onnx_format.cut(self.fixed, inputs, [
                onnx_format.value(name, *self.sides(name)) for name in fetches])
            self.opened = key, onnx_file.open_session(onnx_format.write(part), self.name)
        given = self.style_inputs(style_weights) if tile is None else self.inputs(tile, style_weights)
        for scope, affine in zip(self.scopes, affines):
            given[scope + SCALE], given[scope + ADDED] = [each.reshape(-1, 1, 1) for each in affine]
        for affine in affines[len(self.scopes):]:
            given[MATRIX], given[SHIFT] = affine.scale[None], affine.shift[None]
        for name, value in feeds.items():
            given[name] = np.ascontiguousarray(np.moveaxis(value, -1, 0))[None]
        values = self.fetch(self.opened[1], fetches, given)
        return [value[0] if name == interface.STYLIZED else np.moveaxis(value[0], 0, -1)
                for name, value in zip(fetches, values)]

    @staticmethod
    def sides(name):
        """The sides of a step, for onnx_format.value: inside the network, channels come first."""
        return ('N', 'H', 'W', 3) if name == interface.STYLIZED else ('N', 'C', 'H', 'W')

    def stylize(self, tile, style_weights, affines):
        """Restyles one tile: float32 [h, w, 3], exact but for its halo."""
        return self.run([interface.STYLIZED], tile, style_weights, affines)[0]

    def inputs(self, photo, style_weights):
        """What is fed: a picture, the style weights, and a row that stands behind them."""
        return dict(self.style_inputs(style_weights),
                    **{interface.IMAGE: np.asarray(photo, np.float32)[None]})

    def style_inputs(self, style_weights):
        """The same without a picture."""
        weights = np.asarray(style_weights, np.float32)[None]
        row = weights[:, self.styles:]
        if not row.size and interface.ROW in self.model.tensors:
            row = np.zeros(self.model.tensors[interface.ROW].dims, np.float32)
        return {interface.STYLE_WEIGHTS: weights[:, :self.styles], interface.ROW: row}

    def close(self):
        """Gives the memory of the last part back."""
        self.opened = (None, None)
