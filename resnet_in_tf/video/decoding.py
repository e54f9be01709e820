"""Frames out of a film, or out of a folder of numbered pictures, each with its time."""

import collections
import fractions
import os
import queue
import re
import subprocess

import numpy as np

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.video import ffmpeg
from resnet_in_tf.video.probing import Film

WAIT = 60  # seconds for the time of a frame that is here already
Frames = collections.namedtuple('Frames', 'pixels times')
Frames.__doc__ = """Frames that follow each other: uint8 [N, H, W, 3] RGB, and list of int, times in ticks."""


class Decoder:
    """Decodes a film.

    Args:
        film: Film.

    Attributes:
        problem: str, what ffmpeg said of damage on the way, None where there was none.
    """

    def __init__(self, film):
        self.film, self.problem = film, film.problem

    def read(self, at_once, skip=0):
        """Decodes frames.

        Args:
            at_once: int, frames of one item; the last has what is left.
            skip: int, first frames that are passed over, and come one by one.

        Yields:
            Frames, times strictly rising.

        Raises:
            UserError: no frame can be decoded.
        """
        film, times = self.film, queue.Queue()

        def on_line(line):
            found = re.search(r'showinfo.* pts: *(\S+) ', line)
            if found:
                times.put(found.group(1))
            return not re.search(r'\[(error|fatal|panic)\]', line)

        filters = 'showinfo,scale=%d:%d:in_color_matrix=%s:out_range=pc:flags=%s' % (
            film.width, film.height, film.matrix, ffmpeg.SCALING)
        arguments = ['-nostats'] + ffmpeg.opened(film.path) + ['-map', '0:V:0', '-vf', filters]
        arguments += ffmpeg.keep_times() + ['-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1']
        process = subprocess.Popen(ffmpeg.command(arguments, 'level+info'), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        with ffmpeg.ending(process):
            said = ffmpeg.Listener(process.stderr, on_line)
            count, latest = 0, None
            step = max(1, round(1 / (film.rate * film.time_base)))
            for pixels in batches(process.stdout, at_once, skip, (film.height, film.width, 3)):
                try:
                    told = [times.get(timeout=WAIT) for _ in pixels]
                except queue.Empty:
                    raise UserError('%s: ffmpeg does not tell the times of its frames' % film.path) from None
                kept = []
                for time in told:
                    time = int(time) if re.fullmatch(r'-?\d+', time) else None
                    if latest is not None and (time is None or time <= latest):
                        time = latest + (step if time is None else 1)
                    latest = time or 0
                    kept.append(latest)
                count += len(kept)
                yield Frames(pixels, kept)
                pixels = None
            status = process.wait()
            text = said.text()
            if not count:
                raise UserError('%s: no frame of it can be decoded (%s)' % (
                    film.path, ffmpeg.complaint(text, status)))
            # ffmpeg's threads write into each other's lines, and one without its level is not among these.
            if status or text:
                self.problem = ffmpeg.complaint(text, status)


def batches(stream, at_once, skip, shape):
    """Yields uint8 [N, H, W, 3] from a stream of raw frames; those to be passed over come first, one by one.

    What is passed over is told from the rest by who counts; a frame that is cut short is left out.
    """
    size = int(np.prod(shape))
    while True:
        number = 1 if skip else at_once
        pixels = np.empty((number,) + shape, np.uint8)
        view, filled = memoryview(pixels.reshape(-1)), 0
        while filled < len(view):
            got = stream.readinto(view[filled:])
            if not got:
                break
            filled += got
        if filled // size:
            yield pixels[:filled // size]
        if filled < len(view):
            return
        skip = max(0, skip - 1)


class Folder:
    """Numbered pictures in a folder as the frames of a film.

    Args:
        path: str.
        rate: float, frames a second.

    Attributes:
        film: Film.
        problem: None.

    Raises:
        UserError: no pictures, or their sizes differ.
    """

    def __init__(self, path, rate):
        self.problem = None
        found = images.list_pictures(path)
        self.pictures = sorted(found, key=by_number)
        width, height = images.check(self.pictures[0])
        for picture in self.pictures:
            if images.check(picture) != (width, height):
                raise UserError('%s: is %dx%d, and %s is %dx%d; the frames of a film have one size' % (
                    (picture,) + images.check(picture) + (self.pictures[0], width, height)))
        rate = fractions.Fraction(rate).limit_denominator(1001)
        self.film = Film(path, width, height, 1 / rate, rate, '1/1', 'auto', (), len(self.pictures), 1, None)

    def read(self, at_once, skip=0):
        """Reads pictures: Frames, as Decoder.read; of those that are passed over only the last has pixels."""
        start = 0
        while start < len(self.pictures):
            number = 1 if start < skip else at_once
            names = self.pictures[start:start + number]
            times = list(range(start, start + len(names)))
            if start < skip - 1:
                yield Frames([None], times)
            else:
                yield Frames(np.stack([images.read(name) for name in names]), times)
            start += len(names)


def by_number(path):
    """A key that sorts frame_2 before frame_10."""
    return [(0, int(part), '') if part.isdecimal() else (1, 0, part)
            for part in re.split(r'(\d+)', os.path.normpath(path)) if part]
