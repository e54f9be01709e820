"""bfloat16 next to float32: the time of a pass, and how far the pictures are from each other.

Load on a machine drifts, so both run in turn, photo after photo.
"""

import time

import numpy as np

from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import precision
from resnet_in_tf.restyling.stylizer import Stylizer


def measure(model, photos, sizes, rounds=9, show=print):
    """Times both precisions on photos, each in the next of the network's styles.

    Args:
        model: path of a .pb.
        photos: list of paths; each is resized to a square.
        sizes: list of int, sides of these squares in pixels.
        rounds: photos of a size, after one that is not timed.
        show: called with a line on each size.

    Returns:
        List of dicts, one a size: medians of seconds, of the ratios of wall and of CPU time of the same
        photo, the lowest and the median PSNR and the greatest difference, of 255.

    Raises:
        UserError: this machine has no bfloat16.
    """
    networks = [Stylizer(model, precision=name) for name in (precision.FLOAT32, precision.BFLOAT16)]
    rows, styles = [], networks[0].styles
    for size in sizes:
        found = []
        for number in range(rounds + 1):
            photo = images.resize(images.read(photos[number % len(photos)]), size, size)
            weights = networks[0].style_weights(styles[number % len(styles)])
            found.append(compare(networks, photo, weights, number % 2))
        rows.append(row(size, np.array(found[1:])))
        show('%(pixels a side)d pixels: %(ratio).3f' % rows[-1])
    for network in networks:
        network.close()
    return rows


def compare(networks, photo, weights, first):
    """One photo in both: seconds and CPU seconds of each, PSNR, greatest difference; `first` runs first."""
    painted, seconds = {}, {}
    for place in (first, 1 - first):
        begin = time.time(), time.process_time()
        painted[place] = networks[place].stylize(photo, weights)
        seconds[place] = time.time() - begin[0], time.process_time() - begin[1]
    return seconds[0] + seconds[1] + (precision.psnr(painted[0], painted[1]),
                                      abs(painted[0] - painted[1]).max())


def row(size, found):
    """Sums up one size; `found` is float [N, 6] as `compare` gives it."""
    middle = np.median(found, axis=0)
    return {'pixels a side': size, 'float32 s': middle[0], 'bfloat16 s': middle[2],
            'ratio': np.median(found[:, 2] / found[:, 0]),
            'float32 CPU s': middle[1], 'bfloat16 CPU s': middle[3],
            'CPU ratio': np.median(found[:, 3] / found[:, 1]), 'lowest PSNR dB': found[:, 4].min(),
            'median PSNR dB': middle[4], 'greatest difference': found[:, 5].max()}
