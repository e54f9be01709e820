"""Small films, made with the ffmpeg that the program itself uses, and what ffmpeg reads in a film.

Imported by tests, it skips them where there is none: in a conftest.py that would end the whole run.
"""

import subprocess

import pytest

pytest.importorskip('imageio_ffmpeg', reason="FILMS ARE NOT TESTED: pip install 'resnet_in_tf[video]'")

from resnet_in_tf.video import ffmpeg  # noqa: E402

CHANGING = 'testsrc2=s=%s:r=%s:d=%s'
TONE = ['-f', 'lavfi', '-i', 'sine=300:d=%s']


def make(path, size='48x32', rate='25', seconds=0.4, sound=0.4, flags=()):
    """Makes a film, with a tone unless `sound` is 0, and returns its path as str."""
    arguments = ['-f', 'lavfi', '-i', CHANGING % (size, rate, seconds)]
    if sound:
        arguments += [each % sound if '%' in each else each for each in TONE]
    status, text = ffmpeg.run(arguments + list(flags) + [str(path)])
    assert not status, text
    return str(path)


def lines(path, *flags):
    """What ffmpeg's framemd5 says of a film: list of lists of words."""
    text = subprocess.check_output(ffmpeg.command(['-i', path] + list(flags) + ['-f', 'framemd5', '-']))
    return [[word.strip() for word in line.split(',')] for line in text.decode().split('\n')
            if line and not line.startswith('#')]


def sound(path):
    """Packets of a film's sound: list of (time, duration, size, checksum), undecoded."""
    return [tuple(words[2:]) for words in lines(path, '-map', '0:a', '-c', 'copy')]


def times(path):
    """Times of a film's frames in milliseconds, without reading pictures."""
    copied = lines(path, '-map', '0:V:0', '-c', 'copy', '-copyts', '-enc_time_base', '-1')
    base = subprocess.check_output(ffmpeg.command(
        ['-i', path, '-map', '0:V:0', '-c', 'copy', '-frames:v', '1', '-f', 'framemd5', '-'])).decode()
    ticks = next(line for line in base.split('\n') if line.startswith('#tb 0:')).split(':')[1]
    numerator, denominator = map(int, ticks.split('/'))
    return sorted(round(1000 * int(words[2]) * numerator / denominator, 3) for words in copied)


def pictures(path):
    """Checksums of a film's decoded frames."""
    return [words[-1] for words in lines(path, *(['-map', '0:V:0'] + ffmpeg.keep_times()))]
