"""What a film is, measured by ffmpeg before any frame is restyled."""

import collections
import fractions
import re

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.video import ffmpeg

HDR = {'smpte2084': 'PQ', 'arib-std-b67': 'HLG'}
MATRICES = ('bt709', 'bt470bg', 'smpte170m', 'smpte240m', 'bt2020nc', 'bt2020c', 'fcc', 'ycgco', 'gbr')

Film = collections.namedtuple(
    'Film', 'path width height time_base rate aspect matrix sounds packets last_duration problem')
Film.__doc__ = """A film that can be read.

Fields:
    path: str.
    width, height: int, pixels, once upright.
    time_base: Fraction, seconds that one tick of a frame's time is.
    rate: Fraction, frames a second, as the film says; it may vary.
    aspect: str, shape of a pixel, '1/1' for most.
    matrix: str, which YUV the frames are in, as ffmpeg's scale takes it; 'auto' where the film says.
    sounds: tuple of str, the codec of each sound.
    packets: int, encoded frames, which is how many frames there are unless some are damaged.
    last_duration: int, ticks that the last frame stays.
    problem: str, what ffmpeg said of its file where that is damaged or ends too early, else None.
"""


def probe(path):
    """Measures a film.

    Args:
        path: str.

    Returns:
        Film.

    Raises:
        UserError: it cannot be read, has no frames, or has colours that would come out wrong.
    """
    first = ['-map', '0:V:0', '-vf', 'showinfo', '-frames:v', '1', '-f', 'null', '-']
    status, text = ffmpeg.run(ffmpeg.opened(path) + first, 'level+info')
    shown = re.search(r'pts: *(\S+) .*? sar:(\d+/\d+) s:(\d+)x(\d+)', text)
    config = re.search(r'config in time_base: (\d+)/(\d+), frame_rate: (\d+)/(\d+)', text)
    streams = re.findall(r'Stream #0:\d+.*?: (Video|Audio): (.*)', text.split('Stream mapping')[0])
    if not [line for kind, line in streams if kind == 'Video']:
        raise UserError('%s: %s' % (path, 'has no pictures in it, only sound' if streams else
                                    'is no film that can be read (%s)' % ffmpeg.complaint(text, status)))
    if not shown or not config:
        raise UserError('%s: no frame of it can be decoded (%s)' % (path, ffmpeg.complaint(text, status)))
    aspect, width, height = shown.group(2), int(shown.group(3)), int(shown.group(4))
    if width * height > images.MAX_PIXELS:
        raise UserError('%s: frames of %dx%d are too large' % (path, width, height))
    described = next(line for kind, line in streams if kind == 'Video')
    for name, short in HDR.items():
        if name in described:
            raise UserError('%s: is HDR (%s), whose colours would come out pale; convert it to SDR first'
                            % (path, short))
    told = any(re.search(r'\b%s\b' % name, described) for name in MATRICES)
    ticks, rate = [fractions.Fraction(int(a), int(b) or 1) for a, b in (config.groups()[:2],
                                                                     config.groups()[2:])]
    packets, last, problem = count(path)
    return Film(path, width, height, ticks, rate if 0 < rate <= 1000 else fractions.Fraction(25),
                aspect if aspect[0] != '0' else '1/1',
                'bt709' if not told and height >= 720 else 'auto',  # as players take it
                tuple(line.split()[0].strip(',') for kind, line in streams if kind == 'Audio'),
                packets, last or max(1, round(1 / (rate or 25) / ticks)), problem)


def count(path):
    """Reads a film through without decoding it.

    Returns:
        (encoded frames, ticks that the last one stays, what ffmpeg says of the file where something is wrong
        with it, else None).
    """
    packets, latest, duration, said = 0, None, 0, []
    for line in ffmpeg.lines_of(ffmpeg.opened(path) + ['-map', '0:V:0', '-c', 'copy', '-f', 'framecrc', '-'],
                                said):
        fields = line.split(',')
        if line.startswith('#') or len(fields) < 5:
            continue
        packets += 1
        if latest is None or int(fields[2]) >= latest:
            latest, duration = int(fields[2]), int(fields[3])
    # What reads the file alone: framecrc complains of times that are no damage.
    wrong = [line for line in said if ffmpeg.is_of_demuxer(line)]
    return packets, max(0, duration), ffmpeg.complaint('\n'.join(wrong)) if wrong else None
