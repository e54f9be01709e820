"""SavedModel, for TensorFlow Serving: JPEG bytes in and out, and tensors in and out."""

import io
import json
import os

import numpy as np
import tensorflow.compat.v1 as tf
from PIL import Image

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.exports import check
from resnet_in_tf.exports.canonical import canonical_saved_model
from resnet_in_tf.graphs import session_config
from resnet_in_tf.network import frozen

SERVING_DEFAULT, WITH_STYLE, TENSORS = 'serving_default', 'stylize_jpeg', 'stylize'
WITH_ROW, ROWS = 'stylize_row', 'style_row'
# TensorFlow Serving's REST interface reads and writes base64 where a name ends in `_bytes`.
IMAGE_BYTES, STYLIZED_BYTES = 'image_bytes', 'stylized_bytes'
QUALITY = 95
LARGEST = 1000  # bytes a constant may have and still be copied into the loop over pictures


def write(graph_def, style_names, card, output):
    """Writes a network as a SavedModel, reloaded and compared through each of its signatures.

    serving_default: image_bytes string [N] -> stylized_bytes string [N], in the first style
    stylize_jpeg:    image_bytes [N], style_weights float32 [N, S] -> stylized_bytes [N]
    stylize:         image float32 [N, H, W, 3], style_weights [N, S] -> stylized [N, H, W, 3]
    stylize_row:     the same and row float32 [N, R] -> stylized, for a network of resnet_any
    style_row:       style_image float32 [N, H, W, 3] -> style_row [N, R], where there is a style predictor

    The pictures of one call may differ in size where they come as bytes. assets.extra/card.json
    holds the card, with the names of the styles in the order of their weights.

    Args:
        graph_def, style_names, card: as frozen.read_graph gives them.
        output: the folder to write; it must not exist.

    Returns:
        List of one check.Written.

    Raises:
        UserError: as in exports.export.
    """
    output = os.path.normpath(output)
    if os.path.lexists(output):
        raise UserError('--output %s: is there already; name a new folder (TensorFlow Serving '
                        'takes the highest number)' % output)
    parent = os.path.dirname(os.path.abspath(output))
    try:
        os.makedirs(parent, exist_ok=True)
        with files.scratch_folder(parent) as scratch, files.plain_path(scratch) as (plain, _):
            made = os.path.join(plain, 'made')
            build(graph_def, style_names, made)
            write_card(style_names, card, made)
            worst = compare(graph_def, style_names, made)
            check.require_close(output, worst)
            os.rename(os.path.join(scratch, 'made'), output)
    except (OSError, tf.errors.OpError) as error:
        raise UserError('%s: cannot be written (%s)' % (
            output, getattr(error, 'strerror', None) or str(error).split('\n')[0])) from error
    return [check.Written(output, sum(os.path.getsize(os.path.join(folder, name))
                                      for folder, _, names in os.walk(output) for name in names),
                          worst)]


def build(graph_def, style_names, folder):
    """Writes the SavedModel itself."""
    with tf.Graph().as_default() as graph, \
            tf.Session(graph=graph, config=session_config()) as session:
        tf.import_graph_def(graph_def, name='')
        image, style_weights, stylized = [graph.get_tensor_by_name(name + ':0') for name in (
            frozen.IMAGE, frozen.STYLE_WEIGHTS, frozen.STYLIZED)]
        image_bytes = tf.placeholder(tf.string, [None], IMAGE_BYTES)
        first = tf.one_hot(tf.zeros_like(image_bytes, tf.int32), len(style_names))
        bytes_weights = tf.placeholder_with_default(
            first, [None, len(style_names)], frozen.STYLE_WEIGHTS + '_of_bytes')
        # The weights are shared with the network on tensors: constants from outside the loop.
        generator_def = frozen.generator_of(graph_def)
        shared = {node.name + ':0': graph.get_tensor_by_name(node.name + ':0')
                  for node in generator_def.node if node.op == 'Const' and node.ByteSize() > LARGEST}
        inner = without_values(generator_def, shared)

        def one(item):
            pixels = tf.image.decode_jpeg(item[0], channels=3, dct_method='INTEGER_ACCURATE')
            feeds = {frozen.IMAGE + ':0': tf.cast(pixels, tf.float32)[None],  # [1, H, W, 3]
                     frozen.STYLE_WEIGHTS + ':0': item[1][None]}
            for name, constant in shared.items():
                feeds[name] = tf.identity(constant)  # brings it into the loop
            result, = tf.import_graph_def(inner, feeds,
                                          [frozen.STYLIZED + ':0'], name='picture')
            result = tf.clip_by_value(tf.round(result[0]), 0, 255)
            return tf.image.encode_jpeg(tf.cast(result, tf.uint8), quality=QUALITY,
                                        chroma_downsampling=False)

        stylized_bytes = tf.map_fn(one, (image_bytes, bytes_weights), tf.string,
                                   parallel_iterations=1, back_prop=False)
        stylized_bytes = tf.identity(stylized_bytes, STYLIZED_BYTES)
        outputs = {STYLIZED_BYTES: stylized_bytes}
        signatures = {
            SERVING_DEFAULT: signature({IMAGE_BYTES: image_bytes}, outputs),
            WITH_STYLE: signature({IMAGE_BYTES: image_bytes, frozen.STYLE_WEIGHTS: bytes_weights},
                                  outputs),
            TENSORS: signature({frozen.IMAGE: image, frozen.STYLE_WEIGHTS: style_weights},
                               {frozen.STYLIZED: stylized}),
        }
        if frozen.has_row(graph_def):
            row = graph.get_tensor_by_name(frozen.ROW + ':0')
            signatures[WITH_ROW] = signature(
                {frozen.IMAGE: image, frozen.STYLE_WEIGHTS: style_weights, frozen.ROW: row},
                {frozen.STYLIZED: stylized})
        if frozen.has_predictor(graph_def):
            signatures[ROWS] = signature(*[{name: graph.get_tensor_by_name(name + ':0')}
                                           for name in (frozen.STYLE_IMAGE, frozen.STYLE_ROW)])
        graph.clear_collection(tf.GraphKeys.WHILE_CONTEXT)  # for gradients; written in a chance order
        builder = tf.saved_model.Builder(folder)
        builder.add_meta_graph_and_variables(session, [tf.saved_model.tag_constants.SERVING],
                                             signatures)
        builder.save()
    path = os.path.join(folder, 'saved_model.pb')
    with open(path, 'rb') as file:
        data = canonical_saved_model(file.read())
    with open(path, 'wb') as file:
        file.write(data)


def without_values(graph_def, names):
    """A copy whose constants `names` are placeholders, for others to be put in their place."""
    copy = tf.GraphDef()
    copy.CopyFrom(graph_def)
    for node in copy.node:
        if node.name + ':0' in names:
            node.op = 'Placeholder'
            del node.attr['value']
    return copy


def signature(inputs, outputs):
    return tf.saved_model.predict_signature_def(inputs, outputs)


def write_card(style_names, card, folder):
    """Puts the card where TensorFlow keeps files that no graph reads."""
    folder = os.path.join(folder, 'assets.extra')
    os.makedirs(folder)
    with open(os.path.join(folder, 'card.json'), 'w', encoding='utf-8') as file:
        json.dump(dict(card, style_names=style_names), file, indent=2, ensure_ascii=False,
                  sort_keys=True)


def compare(graph_def, style_names, folder):
    """Loads a SavedModel afresh and compares each of its signatures with the graph.

    Returns:
        float, grey levels; of JPEG answers as in jpeg_difference.
    """
    with tf.Graph().as_default() as graph, \
            tf.Session(graph=graph, config=session_config()) as session, \
            check.reference(graph_def) as expected:
        loaded = tf.saved_model.load(session, [tf.saved_model.tag_constants.SERVING], folder)

        def caller(name):
            known = loaded.signature_def[name]

            def call(**inputs):
                feeds = {known.inputs[key].name: value for key, value in inputs.items()}
                output, = known.outputs.values()
                return session.run(output.name, feeds)
            return call

        tensors, with_style = caller(TENSORS), caller(WITH_STYLE)
        worst = check.greatest_difference(
            expected, lambda image, weights: tensors(image=image, style_weights=weights),
            style_names, batches=(1, 2))
        if frozen.has_row(graph_def):
            with_row = caller(WITH_ROW)
            worst = max(worst, check.difference_with_row(
                expected, lambda image, weights, row: with_row(image=image, style_weights=weights, row=row),
                style_names, frozen.first_width(graph_def)))
        if frozen.has_predictor(graph_def):
            worst = max(worst, check.row_difference(
                graph_def, lambda painting: caller(ROWS)(style_image=painting)))
        rows = check.mixes(len(style_names))
        sizes = [check.SIZES[number % len(check.SIZES)] for number in range(len(rows))]
        files = [jpeg(check.photo(*size)) for size in sizes]
        answers = with_style(image_bytes=files, style_weights=rows)
        answers = list(answers) + list(caller(SERVING_DEFAULT)(image_bytes=files[:1]))
        first = np.eye(len(style_names), dtype=np.float32)[:1]
        wanted = [expected(pixels(file)[None], row[None])[0]
                  for file, row in zip(files + files[:1], np.concatenate([rows, first]))]
        return max([worst] + [jpeg_difference(*pair) for pair in zip(wanted, answers)])


def jpeg_difference(expected, answer):
    """How much further a JPEG is from a picture than our own JPEG of that picture is.

    One level of rounding before the encoder can move a block behind it by several, so two JPEGs
    are not compared value by value: the greatest error and the mean difference are.

    Args:
        expected: float32 [H, W, 3].
        answer: bytes of a JPEG.

    Returns:
        float, grey levels.
    """
    own, answer = pixels(jpeg(expected)), pixels(answer)
    if own.shape != answer.shape:
        return np.inf
    return max(check.difference(expected, answer) - check.difference(expected, own),
               float(np.abs(own - answer).mean()))


def jpeg(array):
    """uint8 or float [H, W, 3] as a JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(np.clip(np.round(array), 0, 255).astype(np.uint8)).save(
        buffer, 'JPEG', quality=QUALITY, subsampling=0)
    return buffer.getvalue()


def pixels(data):
    """The bytes of a JPEG as float32 [H, W, 3]."""
    return np.asarray(Image.open(io.BytesIO(data)).convert('RGB'), np.float32)
