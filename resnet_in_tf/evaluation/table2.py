"""Table II again, where phones run the network: on TFLite's interpreter, and in the page in a browser."""

import contextlib
import os

import numpy as np

from resnet_in_tf import exports, files
from resnet_in_tf.evaluation import paper_numbers, tables, timing
from resnet_in_tf.evaluation.report import report_tables
from resnet_in_tf.exports import tflite_model
from resnet_in_tf.exports.web import browser
from resnet_in_tf.network import frozen
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling.stylizer import Stylizer


def measure(model, runtime, photo, runs, most_styles, output=None, show=print):
    """Times each style of a network on one picture, and shows the times beside the paper's.

    Args:
        model: path of a .pb.
        runtime: a key of RUNTIMES.
        photo: uint8 [H, W, 3].
        runs: int, warm runs of each style, after one that is not counted.
        most_styles: int, the first styles of the network that are timed.
        output: path of a CSV, or None.
        show: function of a line or table.

    Returns:
        The table: list of dicts as of report_tables.table2.

    Raises:
        UserError: the network cannot be read or exported, or its runtime is not here.
    """
    with RUNTIMES[runtime](model, photo) as (styles, paint, engine):
        rows = timing.time_styles(styles[:most_styles], paint, runs)
    table = report_tables.table2({'table2': list(map(timing.numbered, rows))})
    slowest = max(max(row['runs']) for row in rows)
    show('%s, %d x %d pixels; seconds\n\n%s\n' % (
        engine, photo.shape[1], photo.shape[0], tables.markdown(table)))
    show('The slowest of all runs took %.2f s; the paper allows %g s.' % (
        slowest, paper_numbers.TIME_LIMIT))
    if output:
        tables.write_csv(output, table)
    return table


# Each opens a network for one photo: a context of the styles' names, a function of a name that paints the
# photo, and a text that says what runs it.

@contextlib.contextmanager
def in_tensorflow(model, photo):
    """All threads; from pixels to pixels."""
    import tensorflow.compat.v1 as tf
    with Stylizer(model) as stylizer:
        yield (stylizer.styles, lambda style: stylizer.stylize(photo, stylizer.style_weights(style)),
               'TensorFlow %s' % tf.__version__)


@contextlib.contextmanager
def in_tflite(model, photo):
    """The interpreter's one thread, float32 weights; from pixels to pixels."""
    import tensorflow.compat.v1 as tf
    graph_def, style_names, _ = frozen.read_graph(model)
    height, width = photo.shape[:2]
    data = tflite_model.convert(
        frozen.generator_of(graph_def), len(style_names), width, height, 'float32')
    run = tflite_model.interpreter(data, model)
    rows = dict(zip(style_names, np.eye(len(style_names), dtype=np.float32)[:, None]))  # [S, 1, S]
    yield (style_names[:-1], lambda style: images.bytes_of(run(photo[None], rows[style])[0]),
           "TFLite's interpreter of TensorFlow %s, one thread" % tf.__version__)


@contextlib.contextmanager
def in_page(model, photo):
    """The exported page in Chromium, one thread of WebAssembly; from a JPEG to a JPEG."""
    style_names = frozen.read_graph(model)[1]
    with files.own_temporary_folder() as folder:
        site = os.path.join(folder, 'site')
        exports.export(model, 'web', site)
        with browser.served(site) as url, browser.opened(url + '?gpu=no&threads=1') as (page, engine):
            browser.keep(page, photo)
            yield (style_names[:-1], lambda style: browser.paint(page, 1 + style_names.index(style)),
                   'Chromium %s, %s' % (page.capabilities['browserVersion'], engine))


RUNTIMES = {'tensorflow': in_tensorflow, 'tflite': in_tflite, 'web': in_page}
