"""What `stylize.py` does with a film: bars, notes and the last line."""

import sys

from resnet_in_tf import cli
from resnet_in_tf.restyling import asking
from resnet_in_tf.video import ffmpeg, films


def restyle(values):
    """Restyles a film: the exit status.

    Args:
        values: dict of the flags of stylize.py.
    """
    is_film = '--input %s is a film' % values['input']
    asking.require_place(values, is_film)
    asking.refuse(values, {'system': 'optimises single pictures', 'refine': 'trains on photos',
                           'json': 'tells of pictures', 'format': 'is for --output -'},
                  '%s %s, and ' + is_film.replace('%', '%%'))
    ffmpeg.program()
    stylizer, weights, _ = asking.opened(values)
    options = films.Options(weights, values['preserve_color'], values['quality'], values['exact'],
                            values['overwrite'], asking.most_memory(values), values['frame_rate'],
                            values['steady'], **asking.looks(stylizer, weights, values))
    restyle_film(stylizer, values['input'], values['output'], options, asking.others(values))
    return cli.EXIT_OK


def restyle_film(stylizer, source, output, options, others):
    """Restyles a film, and says what became of it.

    Args:
        stylizer, source, output, options: as in films.stylize_film.
        others: paths of pictures that are its styles.
    """
    bars = []

    def on_start(total, done):
        bars.append(cli.progress_bar(total, 'frame', done=done))
        if done:
            on_note('%s: %d of %d frames are done already' % (output, done, total))

    def on_note(line):
        print('note: %s' % line, file=sys.stderr)

    try:
        done = films.stylize_film(stylizer, source, output, options, others, on_start,
                                  lambda: bars[0].update(), on_note)
    finally:
        for bar in bars:
            bar.close()
    print('%d done, %d skipped, 0 failed' % (done, not done))
