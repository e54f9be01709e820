"""A frozen network in the forms that other programs run: SavedModel, TFLite, ONNX, a page."""

import os

import tensorflow.compat.v1 as tf

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.exports import check, onnx_files, saved_model, tflite_model
from resnet_in_tf.exports.web import site
from resnet_in_tf.network import frozen, halves, rows

# Every writer takes (graph_def, style_names, card, output, **options) and gives a list of
# check.Written; what it writes is compared with the .pb before it takes its place.
WRITERS = {
    'saved_model': saved_model.write,
    'tflite': tflite_model.write,
    'onnx': onnx_files.write,
    'web': site.write,
}
OPTIONS = {'tflite': ('sizes', 'weights'), 'onnx': ('weights',)}  # that writers take beyond
MOST_WEIGHTS = {'pb': 1, 'onnx': 1, 'tflite': 2}  # types of weights at once
EXTENSIONS = {'pb': '.pb', 'tflite': '.tflite', 'onnx': '.onnx'}


def deploy(model_dir, model, format_, output, options, freeze):
    """Writes a trained run or a .pb in a form to deploy: all that freeze_graph.py does.

    Args:
        model_dir, model: folder of a run or path of a .pb; the other one is None.
        format_: 'pb' or a key of WRITERS.
        output: path of the file, or of the folder of a SavedModel or a page.
        options: dict: `sizes` of tflite_model.write; `weights`, a list of halves.WEIGHTS, which kernels are
            kept in, None for the default; `predictor`, False to leave a .pb's style predictor out of another
            .pb.
        freeze: function that ends a run, training.freeze.freeze.

    Returns:
        List of lines that say what was written.

    Raises:
        UserError: as in `export`, or not exactly one of model_dir and model.
    """
    if bool(model_dir) == bool(model):
        raise UserError('give --model_dir (a run) or --model (a .pb), one of the two')
    check_output(format_, output)
    check_source(model, output)
    check_weights(format_, options['weights'])
    if not options['predictor'] and (format_ != 'pb' or not model):
        raise UserError('--nopredictor makes a .pb of a --model that is one; export that .pb then')
    if format_ == 'pb':
        card = write_graph(model_dir, model, output, options, freeze)
        return ['%s: %.1f MB, styles %s, step %d' % (
            output, os.path.getsize(output) / 1e6, ', '.join(card['style_names'][:-1]),
            card.get('steps', 0))]
    options = {name: options[name] for name in OPTIONS.get(format_, ()) if options[name] is not None}
    with files.own_temporary_folder() as folder:
        if model_dir:
            model = os.path.join(folder, 'frozen.pb')
            freeze(model_dir, model)
        return ['%s: %.2f MB, differs from the .pb by %.4f of 255 at most' % (
            item.path, item.bytes / 1e6, item.difference)
            for item in export(model, format_, output, **options)]


def write_graph(model_dir, model, output, options, freeze):
    """Writes a .pb of a run, or one .pb of another; returns its card. Arguments as in `deploy`."""
    half = options['weights'] == ['float16']
    if model and options['predictor'] and not half:
        raise UserError('--model %s: a .pb already; add --format %s, --nopredictor or --weights float16' % (
            model, '|'.join(sorted(WRITERS))))
    if not half and model_dir:
        return freeze(model_dir, output)
    with files.own_temporary_folder() as folder:
        if model_dir:
            model = os.path.join(folder, 'frozen.pb')
            freeze(model_dir, model)
        graph_def, style_names, card = frozen.read_graph(model)
    if not options['predictor']:
        if not frozen.has_predictor(graph_def):
            raise UserError('--nopredictor: %s has no style predictor' % model)
        graph_def = rows.without_predictor(graph_def, card)
    if half:
        whole, graph_def = graph_def, halves.halved(graph_def)
        with check.reference(whole) as expected, check.reference(graph_def) as run:
            check.require_close(output, check.greatest_difference(expected, run, style_names))
    files.write_file(output, graph_def.SerializeToString(deterministic=True))
    return dict(card, style_names=style_names)


def check_weights(format_, weights):
    """Raises UserError where a format does not take these types of weights; None is its default."""
    most = MOST_WEIGHTS.get(format_, 0)
    if weights is not None and (not 0 < len(weights) <= most or set(weights) - set(halves.WEIGHTS)):
        raise UserError("--weights '%s': --format %s takes %s" % (
            ','.join(weights), format_, ('none', 'one of ', 'one or two of ')[most]
            + ', '.join(halves.WEIGHTS) * bool(most)))


def check_output(format_, output):
    """Raises UserError where the name of `output` speaks of another format."""
    extension = os.path.splitext(output)[1].lower()
    meant = [name for name, known in EXTENSIONS.items() if known == extension]
    if meant and meant[0] != format_:
        raise UserError('--output %s: ends in %s, but --format is %s'
                        % (output, extension, format_))
    if not meant and format_ in ('tflite', 'onnx'):
        raise UserError('--output %s: must end in %s' % (output, EXTENSIONS[format_]))


def check_source(model, output):
    """Raises UserError where the result would take the place of the .pb that it is made of."""
    if model and os.path.exists(model) and os.path.exists(output) and os.path.samefile(model, output):
        raise UserError('--output %s: would take the place of --model %s; name another file'
                        % (output, model))


def export(model, format_, output, **options):
    """Writes a .pb in another format, and compares the result with the .pb.

    Args:
        model: path of a .pb that freeze_graph.py wrote.
        format_: a key of WRITERS.
        output: path of the file, or of the folder of a SavedModel or a page.
        options: those of OPTIONS, as the writer takes them.

    Returns:
        List of check.Written.

    Raises:
        UserError: a file that cannot be read or written, a package that is not there, a network
            that cannot be converted, or a result that differs; then nothing is left behind.
    """
    check_weights(format_, options.get('weights'))
    graph_def, style_names, card = frozen.read_graph(model)
    with tf.Graph().as_default():
        frozen.import_graph(graph_def, model)
    with files.own_temporary_folder():  # TensorFlow's converters leave files in it
        return WRITERS[format_](graph_def, style_names, card, output, **options)
