"""Tiles in onnxruntime: the parts that they need, cut out of an ONNX network.

As in `network`, each normalization becomes a scale and a shift that are fed; here it is node by node, for
onnx_generator gives the steps their names.
"""

import numpy as np

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import interface, onnx_file, onnx_format, onnx_style_maps
from resnet_in_tf.network.layers import (
    CONV,
    GIVEN,
    MATRIX,
    MIXED,
    NORM_EPSILON,
    OWN,
    PHOTO,
    SHIFT,
    SHIFTED,
    SMALL,
)
from resnet_in_tf.network.onnx_steps import Steps, moments
from resnet_in_tf.network.regions import Fed
from resnet_in_tf.pictures.palette import NUMBERS
from resnet_in_tf.tiles.fixed import Affine, Norm, Step

REDUCTIONS = ('ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'GlobalAveragePool',
              'InstanceNormalization')
DOUBLING = ('Resize', 'DepthToSpace')  # to twice the size
SCALE, ADDED = '/scale', '/shift'  # behind a norm's scope, as CONV
MEASURED = 'moments/'  # begins the names of what statistics are taken by
COLORS = {MATRIX: ('N', NUMBERS), SHIFT: ('N', 3), PHOTO: ('N', NUMBERS)}  # and their sides


class OnnxNetwork:
    """A network that runs on tiles, and tells the statistics that they share.

    Args:
        model: onnx_format.Model; with regions as onnx_style_maps.with_regions makes it.
        name: what to call it in a message.
        width: int, channels of the first layer.
        styles: int, S; behind so many weights a style may have a row of its own.

    Attributes:
        norms: list of fixed.Norm.
        steps: dict from names to fixed.Step, of the form with fixed statistics.
        given: name of the step that a palette is put on.
        width: int, channels of the first layer.
        has_palette: whether its last step takes on a palette.

    Where a method takes style weights, a network with regions takes a Fed.

    Raises:
        UserError: the network has a normalization that cannot be fixed.
    """

    def __init__(self, model, name, width, styles):
        self.model, self.name, self.width, self.styles = model, name, width, styles
        self.scopes = onnx_file.scopes_of(model)
        self.norms = [Norm(scope + SHIFTED, NORM_EPSILON) for scope in self.scopes]
        made = {output for node in model.nodes for output in node.outputs}
        self.has_palette, self.given, self.colors = {GIVEN, MATRIX, SHIFT} <= made, GIVEN, []
        if self.has_palette:  # where regions mix it, the photo's own palette, too
            by_region = interface.REGIONS in {each.name for each in model.inputs}
            self.colors = [MATRIX, SHIFT] + [PHOTO] * by_region
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
        inputs += self.color_values()
        fixed = onnx_format.cut(self.model._replace(nodes=nodes), inputs, self.model.outputs)
        for node in fixed.nodes:
            if node.op in REDUCTIONS and not self.is_beside(node):
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
        steps, outputs = Steps(prefix=MEASURED), []
        for scope in self.scopes:
            outputs += [onnx_format.value(name, 'N', 'C', 1, 1) for name in moments(steps, scope + CONV)]
        model = self.model._replace(nodes=self.model.nodes + steps.nodes)
        found = iter([each.ravel() for each in self.run_part(
            model, outputs + self.color_values(), self.inputs(photo, style_weights))])
        affines = []
        for gamma, beta in self.gamma_beta(style_weights):
            mean, variance = next(found), next(found)
            scale = gamma / np.sqrt(variance + np.float32(NORM_EPSILON))
            affines.append(Affine(scale, beta - mean * scale))
        return affines + ([list(found)] if self.has_palette else [])

    def palette_affine(self, own, photo, style_weights):
        """The map of colours that takes on a style's palette; arguments and result as FixedNetwork has it."""
        given = {name: (value[None], ('N', NUMBERS)) for name, value in ((OWN, own), (PHOTO, photo))}
        found = self.run_part(self.model, self.color_values()[:2], self.style_inputs(style_weights), given)
        return ([each.ravel() for each in found] + [photo])[:len(self.colors)]

    def color_values(self):
        """The steps that a palette is fixed by: list of onnx_format.Value."""
        return [onnx_format.value(name, *COLORS[name]) for name in self.colors]

    @staticmethod
    def is_beside(node):
        """Whether a step is of the small copies that regions are painted by, beside a tile."""
        return node.outputs[0].startswith((SMALL, onnx_style_maps.ADDED))

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
        for colors in affines[len(self.scopes):]:
            given.update((name, value[None]) for name, value in zip(self.colors, colors))
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
        if isinstance(style_weights, Fed):
            weights, more = style_weights
        else:
            weights, more = np.asarray(style_weights, np.float32)[None], {}
        row = weights[:, self.styles:]
        if not row.size and interface.ROW in self.model.tensors:
            row = np.zeros(self.model.tensors[interface.ROW].dims, np.float32)
        return dict(more, **{interface.STYLE_WEIGHTS: weights[:, :self.styles], interface.ROW: row})

    def close(self):
        """Gives the memory of the last part back."""
        self.opened = (None, None)
