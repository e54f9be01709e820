"""Films: the time from file to file over the bare network's for the same frames.

Load on a machine drifts, so both are timed in turn.
"""

import os
import statistics
import tempfile
import time

import psutil

from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.video import decoding, films, painting, probing, results


def measure(model, film, rounds=3, engine='tensorflow', modes=results.STEADY, show=print):
    """Times a film, which is held in memory for the bare network.

    Args:
        model: path of a .pb.
        film: path; sound and all.
        rounds: int, timed rounds.
        engine: what runs the network.
        modes: values of --steady.
        show: called with a line on each case.

    Returns:
        List of dicts, one a case: medians of seconds and of processor seconds, ffmpeg's included, and of
        their ratios to the bare network's of the same round.
    """
    frames = [batch.pixels for batch in decoding.Decoder(probing.probe(film)).read(painting.AT_ONCE)]
    with Stylizer(model, engine=engine) as stylizer, tempfile.TemporaryDirectory() as folder:
        weights = stylizer.style_weights('1')

        def bare():
            for pixels in frames:
                stylizer.stylize(pixels, weights)

        def whole(mode):
            options = films.Options(weights, False, 95, False, True, None, steady=mode)
            films.stylize_film(stylizer, film, os.path.join(folder, 'film.mp4'), options)

        stylizer.stylize(frames[0], weights)  # the first run prepares what later ones use
        cases = [('network', bare)] + [('--steady ' + mode, lambda mode=mode: whole(mode)) for mode in modes]
        taken = {name: [] for name, _ in cases}
        for _ in range(rounds):
            for name, action in cases:
                taken[name].append(timed(action))
    rows = [row(name, taken[name], taken['network']) for name, _ in cases]
    for each in rows:
        show('%(case)s: %(seconds).2f s, ratio %(ratio).3f; CPU %(CPU s).2f s, ratio %(CPU ratio).3f' % each)
    return rows


def timed(action):
    """(seconds, processor seconds of this process and of those that it started and that have ended)."""
    begin = time.time(), processor_seconds()
    action()
    return time.time() - begin[0], processor_seconds() - begin[1]


def processor_seconds():
    return sum(psutil.Process().cpu_times()[:4])


def row(name, taken, network):
    def middle(part):
        return statistics.median(each[part] for each in taken)

    def ratio(part):
        return statistics.median(each[part] / base[part] for each, base in zip(taken, network))

    return {'case': name, 'seconds': middle(0), 'ratio': ratio(0), 'CPU s': middle(1), 'CPU ratio': ratio(1)}
