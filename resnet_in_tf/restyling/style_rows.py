"""A picture's row for good: a network with one more named style, written as one file."""

import os
import unicodedata

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.network import frozen, rows
from resnet_in_tf.restyling.style_images import StyleImages, parse_image
from resnet_in_tf.restyling.stylizer import spread
from resnet_in_tf.training.paintings import problem_of
from resnet_in_tf.training.run_record import describe_file


def write(model, images, name, output, title=None, overwrite=False, refine=None):
    """Writes a network that has the row of a picture, or of a mix, as a named style.

    Args:
        model: path of a .pb with a style predictor.
        images: paths of pictures, each with a weight or without, 'a.jpg:0.7'.
        name: str, of the style.
        output: path of the .pb to write.
        title: str for the card, or None.
        overwrite: whether a file that is there may be replaced.
        refine: what trains the row further, as refining.with_progress gives it; or None.

    Returns:
        dict, the card of the new network.

    Raises:
        UserError: a name, a picture or a file is not right; then nothing is written.
    """
    check_output(output, overwrite)
    graph_def, known, card = frozen.read_graph(model)
    name = check_name(name, known, model)
    if not frozen.has_predictor(graph_def):
        raise UserError('--model %s: makes no style from a picture; train.py --styles_dir trains one that '
                        'does' % model)
    with tf.Graph().as_default():
        frozen.import_graph(graph_def, model)
    paths, amounts = zip(*map(parse_image, images))
    shares = spread(np.array(amounts), 1.0, '--style_image %s' % images[0])
    made = StyleImages(lambda painting: rows.predict(graph_def, [painting])[0], card)
    row = sum(share * made.row(path) for path, share in zip(paths, shares))
    style = describe(name, paths, shares, title)
    if refine:
        refined = refine(graph_def, row, [made.painting(path) for path in paths], shares)
        row, style['refined'] = refined.row, {'steps': refined.steps, 'losses': refined.after,
                                              'loss_network': refined.loss_network}
    if not np.isfinite(row).all():
        raise UserError('--style_image %s: gives no style, its row is not finite; take another picture'
                        % images[0])
    card = dict(card, style_names=known[:-1] + [name] + known[-1:], styles=card.get('styles', []) + [style])
    added = rows.add_style(graph_def, name, row, card)
    files.write_file(output, added.SerializeToString(deterministic=True))
    return card


def check_output(output, overwrite):
    """Raises UserError where --output is there already, or speaks of another format."""
    ending = os.path.splitext(output)[1].lower()
    if ending in ('.onnx', '.tflite'):
        raise UserError('--output %s: a .pb is written; freeze_graph.py --model makes %s of it'
                        % (output, ending))
    if os.path.lexists(output) and not overwrite:
        raise UserError('--output %s: is there already; name another file, or add --overwrite' % output)


def check_name(name, known, model):
    """A style's name as it is written, each accent in one letter with its own.

    Args:
        name: str.
        known: names of the network's styles.
        model: the network, for the message.

    Raises:
        UserError: it cannot name a style, or the network has it.
    """
    name = unicodedata.normalize('NFC', name).strip()
    problem = problem_of(name) or (
        'cannot name a style, as , and : stand between the parts of a mix' if set(name) & set(',:') else None)
    if problem:
        raise UserError('--name: %r %s; give another' % (name, problem))
    if name in [unicodedata.normalize('NFC', each) for each in known]:
        raise UserError('--name: %s has a style %r already; give another' % (model, name))
    return name


def describe(name, paths, shares, title):
    """What the card tells of a style that a predictor made: dict."""
    style = {'name': name, 'predicted': True}
    if title:
        style['title'] = title
    if len(paths) == 1:
        return dict(style, **describe_file(paths[0]))
    return dict(style, pictures=[dict(describe_file(path), share=round(float(share), 4))
                                 for path, share in zip(paths, shares)])
