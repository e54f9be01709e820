"""Whether styles and strengths run into each other without a jump, and strength 0 is the photo."""

import itertools

import numpy as np

from resnet_in_tf.evaluation import tables
from resnet_in_tf.restyling.precision import psnr


def path(stylizer, photo, start, stop, steps):
    """The mean absolute pixel difference of neighbouring frames between two style weights.

    Args:
        stylizer: Stylizer.
        photo: uint8 [H, W, 3].
        start, stop: float32 [S].
        steps: how many steps, one fewer than frames.

    Returns:
        float64 [steps], in units of [0, 255].
    """
    before, differences = None, []
    for share in np.linspace(0, 1, steps + 1):
        frame = stylizer.stylize(photo, (1 - share) * start + share * stop)
        if before is not None:
            differences.append(np.mean(np.abs(frame - before), dtype=np.float64))
        before = frame
    return np.array(differences)


def continuity(stylizer, photo, steps=20):
    """Follows the strength of every style and every pair of styles.

    Args:
        stylizer, photo, steps: as in `path`.

    Returns:
        List of dict: kind ('strength' or 'pair'), from, to, mean_step, largest_step, ratio.
    """
    names = stylizer.style_names
    pairs = [('strength', names[-1], style) for style in stylizer.styles]
    pairs += [('pair', one, other) for one, other in itertools.combinations(stylizer.styles, 2)]
    rows = []
    for kind, one, other in pairs:
        differences = path(stylizer, photo, stylizer.style_weights(one),
                           stylizer.style_weights(other), steps)
        rows.append({'kind': kind, 'from': one, 'to': other, 'mean_step': differences.mean(),
                     'largest_step': differences.max(),
                     'ratio': differences.max() / max(differences.mean(), 1e-9)})
    return rows


def strength_zero(stylizer, photos):
    """PSNR of each photo's version at strength 0: list of float, in dB."""
    identity = stylizer.style_weights(stylizer.style_names[-1])
    return [psnr(stylizer.stylize(photo, identity), photo) for photo in photos]


def measure(stylizer, photo, test_photos, output, show=print):
    """Prints and writes the continuity of a network.

    Args:
        stylizer: Stylizer.
        photo: uint8 [H, W, 3], which is followed along every path.
        test_photos: iterable of uint8 [H, W, 3] for strength 0.
        output: path of a CSV, or None.
        show: function of one line.
    """
    rows = continuity(stylizer, photo)
    for kind in ('strength', 'pair'):
        worst = max((row for row in rows if row['kind'] == kind), key=lambda row: row['ratio'],
                    default=None)
        if worst:
            show('%s: the largest of 20 steps is at most %.2f times their mean (%s to %s)'
                   % (kind, worst['ratio'], worst['from'], worst['to']))
    ratios = strength_zero(stylizer, test_photos)
    if ratios:
        show('strength 0: the least PSNR of %d photos is %.1f dB' % (len(ratios), min(ratios)))
    if output:
        tables.write_csv(output, rows)
