"""TFLite, for Android: one file a size, with float32 or float16 weights."""

import contextlib
import os
import sys
import tempfile

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.exports import check
from resnet_in_tf.exports.plain import plain_graph
from resnet_in_tf.graphs import session_config
from resnet_in_tf.network import frozen, halves
from resnet_in_tf.numerals import whole

LARGEST_SIDE = 4096


def write(graph_def, style_names, card, output, sizes=('512x512',), weights=halves.WEIGHTS):
    """Writes a network for given sizes of picture, one file for each size and type of weights.

    `wave.tflite` becomes `wave_512x384.tflite` (width, height) and `wave_512x384_float16.tflite`.
    Inputs: image float32 [1, H, W, 3] and style_weights float32 [1, S]; output: stylized.
    A picture of another size is refused by the file itself, when the interpreter allocates.

    Args:
        graph_def, style_names, card: as frozen.read_graph gives them.
        output: path to which size and weights are added.
        sizes: list of 'WIDTHxHEIGHT'.
        weights: list of 'float32', 'float16'.

    Returns:
        List of check.Written.

    Raises:
        UserError: as in exports.export.
    """
    shapes = [parse_size(size) for size in sizes]
    if not shapes:
        raise UserError('--sizes is empty: TFLite needs at least one, as in 512x512')
    made, graph_def = {}, frozen.generator_of(graph_def)
    with check.reference(graph_def) as expected:
        for width, height in shapes:
            for kind in weights:
                path = name_of(output, width, height, kind)
                data = convert(graph_def, len(style_names), width, height, kind)
                run = interpreter(data, path)
                worst = check.greatest_difference(expected, run, style_names, [(width, height)])
                check.require_close(path, worst)
                made[path] = data, worst
    # Only when all are good, so that no half set is left.
    for path, (data, _) in made.items():
        files.write_file(path, data)
    return [check.Written(path, len(data), worst) for path, (data, worst) in made.items()]


def parse_size(text):
    """'512x384' as (512, 384): width, height; UserError for anything else."""
    width, _, height = str(text).lower().partition('x')
    sides = whole(width, LARGEST_SIDE), whole(height, LARGEST_SIDE)
    if not all(sides):
        raise UserError('--sizes %s: must be WIDTHxHEIGHT, as in 512x384, up to %d a side'
                        % (text, LARGEST_SIDE))
    return sides


def name_of(output, width, height, weights):
    """The file's name, with its size and, where they are not float32, its weights."""
    stem, extension = os.path.splitext(output)
    return '%s_%dx%d%s%s' % (stem, width, height, '' if weights == 'float32' else '_' + weights,
                             extension)


def convert(graph_def, styles, width, height, weights):
    """The bytes of a .tflite for pictures of one size.

    Raises:
        UserError: the converter refuses the graph.
    """
    with tf.Graph().as_default() as graph, \
            tf.Session(graph=graph, config=session_config()) as session:
        image = tf.placeholder(tf.float32, [1, height, width, 3], frozen.IMAGE)
        style_weights = tf.placeholder(tf.float32, [1, styles], frozen.STYLE_WEIGHTS)
        stylized, = tf.import_graph_def(
            plain_graph(graph_def), {frozen.IMAGE: fixed(image, width, height),
                                     frozen.STYLE_WEIGHTS: style_weights},
            [frozen.STYLIZED + ':0'], name='network')
        stylized = tf.reshape(stylized, [1, height, width, 3], frozen.STYLIZED)  # [1, H, W, 3]
        converter = tf.lite.TFLiteConverter.from_session(
            session, [image, style_weights], [stylized])
        if weights == 'float16':
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        try:
            with converter_on_path(), silenced():
                return converter.convert()
        except Exception as error:  # TensorFlow 1.15 and 2.15 raise classes of their own
            lines = [line for line in str(error).split('\n') if 'Check failed' in line] or ['']
            raise UserError('TFLite: TensorFlow %s cannot convert this network %s'
                            % (tf.__version__, lines[0][-200:])) from error


def fixed(image, width, height):
    """The picture, by an operation that no other size passes.

    The converter works out every shape for this size; fed another, the network would compute
    rubbish without a word. Broadcasting over a column and a row of known length fails instead.
    """
    column = tf.constant(np.full([1, height, 1, 1], 255, np.float32), name='column')
    row = tf.constant(np.full([1, 1, width, 1], 255, np.float32), name='row')
    return tf.minimum(tf.minimum(image, column), row)


def interpreter(data, name):
    """Opens a .tflite that `write` made.

    Args:
        data: bytes of the file.
        name: what to call it in a message.

    Returns:
        Function of float32 image [1, H, W, 3] and style_weights [1, S] that gives stylized.

    Raises:
        UserError: not such a file; and by the function, a picture of another size.
    """
    try:
        with silenced():
            opened = tf.lite.Interpreter(model_content=data)
            opened.allocate_tensors()
        inputs = {item['name'].split(':')[0]: item for item in opened.get_input_details()}
        image, style_weights = inputs[frozen.IMAGE], inputs[frozen.STYLE_WEIGHTS]
        output = opened.get_output_details()[0]['index']
    except (ValueError, RuntimeError, KeyError) as error:
        raise UserError('%s: not a TFLite network of freeze_graph.py (%s)'
                        % (name, str(error).split('\n')[0])) from error

    def run(pixels, weights):
        if tuple(np.shape(pixels)) != tuple(image['shape']):
            raise UserError('%s: takes pictures of %d x %d alone, not %s; export that size' % (
                name, image['shape'][2], image['shape'][1],
                ' x '.join(str(side) for side in np.shape(pixels)[2:0:-1])))
        opened.set_tensor(image['index'], np.asarray(pixels, np.float32))
        opened.set_tensor(style_weights['index'], np.asarray(weights, np.float32))
        opened.invoke()
        return opened.get_tensor(output)

    return run


@contextlib.contextmanager
def converter_on_path():
    """TensorFlow 1.15 starts its converter as a program: finds it beside this Python."""
    before = os.environ.get('PATH', '')
    os.environ['PATH'] = os.path.dirname(sys.executable) + os.pathsep + before
    try:
        yield
    finally:
        os.environ['PATH'] = before


@contextlib.contextmanager
def silenced():
    """Keeps what C++ code prints off stderr."""
    kept = os.dup(2)
    try:
        with tempfile.TemporaryFile() as sink:
            os.dup2(sink.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
