"""A Neural Algorithm of Artistic Style (Gatys et al. 2015): one picture's pixels are optimised.

The rival without a generator: no training, but VGG-19 runs forth and back for every iteration.
"""

import collections
import sys

import numpy as np
import scipy.optimize
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.graphs import session_config
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.perceptual.objective import painting_terms, painting_total
from resnet_in_tf.perceptual.targets import style_targets
from resnet_in_tf.restyling.engines import Engine
from resnet_in_tf.training.config import resolve
from resnet_in_tf.training.paintings import read_painting

ITERATIONS = 200  # of L-BFGS-B: more change little

Progress = collections.namedtuple('Progress', 'iteration total content style pixels')
Progress.__doc__ = """What `on_iteration` gets.

Fields:
    iteration: int, from 1.
    total, content, style: float, losses in the scale of training.
    pixels: float32 [H, W, 3] in [0, 255].
"""


class Naas:
    """Paints photos in one painting's style by L-BFGS-B over their pixels.

    The losses are those of training (objective.painting_total), on the same VGG-19.

    Args:
        painting: uint8 [H, W, 3].
        settings: vgg_weights, weights and layers of the losses, bfloat16: as in config.SETTINGS.

    Raises:
        UserError: a setting or the weight file is not right.
    """

    def __init__(self, painting, **settings):
        config = resolve(settings)
        self.content_layers = vgg.check_layers(config['content_layers'])
        style_layers = vgg.check_layers(config['style_layers'])
        weights = vgg.open_weights(config['vgg_weights'], self.content_layers + style_layers)
        targets = style_targets([painting], style_layers, weights)
        with tf.Graph().as_default():
            self.image = tf.placeholder(tf.float32, [1, None, None, 3], name='image')
            self.features = vgg.features(
                self.image, set(self.content_layers) | set(style_layers), weights)
            self.wanted = {layer: tf.placeholder(tf.float32, self.features[layer].shape,
                                                 'wanted_' + layer)
                           for layer in self.content_layers}
            terms = painting_terms(self.features, self.wanted,
                                   {layer: tf.constant(gram) for layer, gram in targets.items()},
                                   self.image, config)
            total, content, style = painting_total(terms, config), terms['content'], terms['style']
            self.parts = [part[0] for part in (total, content, style)]
            self.gradient = tf.gradients(self.parts[0], self.image)[0]  # [1, H, W, 3]
            self.session = tf.Session(config=session_config(config['bfloat16']))
            self.session.run(tf.local_variables_initializer())

    def stylize(self, photo, iterations=ITERATIONS, on_iteration=lambda progress: None):
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
        on_iteration: called with a Progress after each.
        settings: of Naas, and style_size.

    Raises:
        UserError: the painting or the weight file cannot be used.
    """

    def __init__(self, style_image, iterations=ITERATIONS, on_iteration=lambda progress: None,
                 **settings):
        if iterations < 1:
            raise UserError('--iterations %d: it must be 1 or more' % iterations)
        self.iterations, self.on_iteration = iterations, on_iteration
        self.painter = Naas(read_painting(style_image, resolve(settings)['style_size']), **settings)
        self.engine = Engine('naas', ['style', 'identity'], {}, self.painter.stylize,
                             self.painter.close, tiles=None, width=None)

    def stylize(self, pixels, style_weights=None):
        """Paints one picture: uint8 or float32 [H, W, 3] to float32 [H, W, 3] in [0, 255]."""
        del style_weights  # there is one style
        return self.painter.stylize(pixels, self.iterations, self.on_iteration)

    def close(self):
        """Gives the session's memory back."""
        self.painter.close()


def print_progress(iterations, every=10):
    """An `on_iteration` that prints a line to stderr every `every` iterations, and at the last."""
    def show(progress):
        if progress.iteration % every == 0 or progress.iteration == iterations:
            print('iteration %d of %d  total %.4g  content %.4g  style %.4g'
                  % (progress.iteration, iterations, progress.total, progress.content,
                     progress.style), file=sys.stderr, flush=True)
    return show
