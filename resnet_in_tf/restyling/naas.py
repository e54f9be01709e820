"""A Neural Algorithm of Artistic Style (Gatys et al. 2015): one picture's pixels are optimised.

The rival without a generator: no training, but VGG-19 runs forth and back for every iteration.
"""

import collections
import sys

import numpy as np
import scipy.optimize
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.perceptual import losses, vgg
from resnet_in_tf.perceptual.objective import relative_feature_loss
from resnet_in_tf.perceptual.targets import default_layers, style_targets
from resnet_in_tf.restyling.engines import Engine
from resnet_in_tf.training import train
from resnet_in_tf.training.paintings import read_painting

Progress = collections.namedtuple('Progress', 'iteration total content style pixels')
Progress.__doc__ = """What `on_iteration` gets.

Fields:
    iteration: int, from 1.
    total, content, style: float, losses in the scale of training.
    pixels: float32 [H, W, 3] in [0, 255].
"""


class Naas:
    """Paints photos in one painting's style by L-BFGS-B over their pixels.

    The losses are those of training (perceptual_losses), on the same VGG-19.

    Args:
        painting: uint8 [H, W, 3].
        vgg_weights: as in vgg.open_weights.
        content_weight, style_weight, tv_weight: beta and alpha of (6), and that of total variation.
        content_layers, style_layers: VGG-19 layers; None takes default_layers.
        bfloat16: whether TensorFlow 2.15 may compute convolutions in bfloat16.

    Raises:
        UserError: a layer's name or the weight file is not right.
    """

    def __init__(self, painting, vgg_weights='imagenet', content_weight=0.6, style_weight=8.0,
                 tv_weight=30.0, content_layers=None, style_layers=None, bfloat16=False):
        self.content_layers = vgg.check_layers(
            content_layers or default_layers(vgg_weights, 'content'))
        style_layers = vgg.check_layers(
            style_layers or default_layers(vgg_weights, 'style'))
        weights = vgg.open_weights(vgg_weights, self.content_layers + style_layers)
        targets = style_targets([painting], style_layers, weights)
        config = tf.ConfigProto(allow_soft_placement=True)
        config.gpu_options.allow_growth = True
        if bfloat16:
            train.allow_bfloat16(config)
        with tf.Graph().as_default():
            self.image = tf.placeholder(tf.float32, [1, None, None, 3], name='image')
            self.features = vgg.features(
                self.image, set(self.content_layers) | set(style_layers), weights)
            self.wanted = {layer: tf.placeholder(tf.float32, self.features[layer].shape,
                                                 'wanted_' + layer)
                           for layer in self.content_layers}
            content = tf.add_n([
                relative_feature_loss(self.features[layer], self.wanted[layer])
                for layer in self.content_layers]) / len(self.content_layers)
            targets = {layer: tf.constant(gram) for layer, gram in targets.items()}
            style = losses.style_loss({layer: losses.mean_gram(self.features[layer])
                                       for layer in style_layers},
                                      targets, losses.relative_layer_weights(targets))
            total = (losses.total_loss(style, content, style_weight, content_weight)
                     + tv_weight * losses.total_variation(self.image))
            self.parts = [part[0] for part in (total, content, style)]
            self.gradient = tf.gradients(self.parts[0], self.image)[0]  # [1, H, W, 3]
            self.session = tf.Session(config=config)
            self.session.run(tf.local_variables_initializer())

    def stylize(self, photo, iterations=200, on_iteration=lambda progress: None):
        """Paints one photo, starting from the photo itself.

        Args:
            photo: uint8 or float32 [H, W, 3], RGB in [0, 255].
            iterations: how many of L-BFGS-B's at most; fewer where nothing is left to gain.
            on_iteration: called with a Progress after each.

        Returns:
            float32 [H, W, 3] in [0, 255].
        """
        if iterations < 1:
            raise UserError('--iterations %d: it must be 1 or more' % iterations)
        photo = np.asarray(photo, np.float32)
        wanted = self.session.run({layer: self.features[layer] for layer in self.content_layers},
                                  {self.image: photo[None]})
        feed = {self.wanted[layer]: value for layer, value in wanted.items()}
        # A loss in the thousands over pixels of deviation one: L-BFGS's first step and its
        # tolerances are made for such numbers.
        scale, unit = float(photo.size), vgg.DEVIATION
        state = {'iteration': 0}

        def evaluate(values):
            pixels = (values * unit).astype(np.float32).reshape(photo.shape)  # [H, W, 3]
            feed[self.image] = pixels[None]
            parts, gradient = self.session.run([self.parts, self.gradient], feed)
            # L-BFGS-B ends an iteration at the last point that it looked at.
            state.update(parts=parts, pixels=pixels)
            return float(parts[0]) * scale, gradient.ravel().astype(np.float64) * scale * unit

        def callback(values):
            del values
            state['iteration'] += 1
            on_iteration(Progress(state['iteration'], *map(float, state['parts']),
                                  pixels=state['pixels']))

        result = scipy.optimize.minimize(
            evaluate, (photo / unit).ravel().astype(np.float64), method='L-BFGS-B', jac=True,
            bounds=[(0.0, 255.0 / unit)] * photo.size, callback=callback,
            options={'maxiter': iterations, 'maxfun': 20 * iterations, 'ftol': 1e-9, 'gtol': 0.0,
                     'maxcor': 10})
        return np.clip(result.x * unit, 0, 255).astype(np.float32).reshape(photo.shape)  # [H, W, 3]

    def close(self):
        """Gives the session's memory back."""
        self.session.close()


class NaasStylizer:
    """NAAS in the form of a stylizer.Stylizer with one style, for batch.stylize_files.

    Args:
        style_image: path of the painting.
        iterations: as in Naas.stylize.
        style_size: longest side of the painting in pixels.
        report: called with a Progress after each iteration.
        settings: of Naas.

    Raises:
        UserError: the painting or the weight file cannot be used.
    """

    def __init__(self, style_image, iterations=200, style_size=512, report=lambda progress: None,
                 **settings):
        if iterations < 1:
            raise UserError('--iterations %d: it must be 1 or more' % iterations)
        self.iterations, self.report = iterations, report
        self.painter = Naas(read_painting(style_image, style_size), **settings)
        self.engine = Engine('naas', ['style', 'identity'], {}, self.painter.stylize,
                             self.painter.close, graph_def=None, width=None)

    def stylize(self, pixels, style_weights=None):
        """Paints one picture: uint8 or float32 [H, W, 3] to float32 [H, W, 3] in [0, 255]."""
        del style_weights  # there is one style
        return self.painter.stylize(pixels, self.iterations, self.report)

    def close(self):
        """Gives the session's memory back."""
        self.painter.close()


def print_progress(iterations, every=10):
    """A `report` that prints a line to stderr every `every` iterations, and at the last."""
    def report(progress):
        if progress.iteration % every == 0 or progress.iteration == iterations:
            print('iteration %d of %d  total %.4g  content %.4g  style %.4g'
                  % (progress.iteration, iterations, progress.total, progress.content,
                     progress.style), file=sys.stderr, flush=True)
    return report
