"""Time (paper, Table II): several warm runs of each style on one picture, load time apart."""

import functools
import time

from resnet_in_tf.restyling.naas import Naas
from resnet_in_tf.restyling.stylizer import Stylizer


def timed(function):
    """Calls a function without arguments: (what it returned, seconds it took)."""
    start = time.perf_counter()
    value = function()
    return value, time.perf_counter() - start


def warm_runs(function, runs):
    """Seconds of the first call, and a list of those of `runs` more."""
    first = timed(function)[1]
    return first, [timed(function)[1] for _ in range(runs)]


def time_network(model, photo, runs):
    """Times a frozen network, style by style.

    Args:
        model: path of a .pb.
        photo: uint8 [H, W, 3].
        runs: warm runs a style.

    Returns:
        List of dicts, one a style: style, load, first (seconds), runs (list of seconds).
    """
    stylizer, load = timed(lambda: Stylizer(model))
    rows = time_styles(stylizer.styles, lambda style: stylizer.stylize(
        photo, stylizer.style_weights(style)), runs)
    stylizer.close()
    return [dict(row, load=load) for row in rows]


def time_styles(styles, paint, runs):
    """Times a function of a style for each of `styles`: list of dicts, style, first, runs."""
    rows = []
    for style in styles:
        first, seconds = warm_runs(functools.partial(paint, style), runs)
        rows.append({'style': style, 'first': first, 'runs': seconds})
    return rows


def numbered(row):
    """A row of timing with a column for each run, as tables have it: run 1, run 2, ..."""
    flat = {key: value for key, value in row.items() if key != 'runs'}
    flat.update(('run %d' % number, value) for number, value in enumerate(row['runs'], 1))
    return flat


def time_naas(style, painting, photo, iterations, runs, **settings):
    """Times NAAS in one style: as `time_network`, one row in a list.

    Args:
        style: name of the painting.
        painting, photo: uint8 [H, W, 3].
        iterations: of L-BFGS-B, a run.
        runs: runs after one iteration that warms the session up.
        settings: of naas.Naas.
    """
    painter, load = timed(lambda: Naas(painting, **settings))
    first = timed(lambda: painter.stylize(photo, 1))[1]
    seconds = [timed(lambda: painter.stylize(photo, iterations))[1] for _ in range(runs)]
    painter.close()
    return [{'style': style, 'load': load, 'first': first, 'runs': seconds}]
