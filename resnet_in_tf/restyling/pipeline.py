"""Decoding, network and encoding side by side: pictures of one size share a run."""

import collections
import concurrent.futures
import logging

import numpy as np

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.network.regions import kind
from resnet_in_tf.pictures import finishing, images
from resnet_in_tf.pictures.brush import working_size
from resnet_in_tf.restyling import regions
from resnet_in_tf.restyling.ends import FileEnds, PhotoEnds
from resnet_in_tf.tiles import finished, row_files
from resnet_in_tf.tiles.large import SMALLEST_TILE, pixels_in

AT_ONCE = 4  # pictures of one run
AHEAD = 3 * AT_ONCE  # pictures that are decoded before their turn
THREADS = 2  # each for decoding and for encoding; the codecs leave Python's lock alone
# A pixel on its way: its photo, with transparency, and the painted floats. Each writer has the encoder's
# besides, and with another brush size or other colours what is made of the painting.
HELD_BYTES = 16
COLOR_BYTES = 12
REASON = 300  # characters: a library's error can be pages

Job = collections.namedtuple('Job', 'source target')
Photo = collections.namedtuple('Photo', 'job pixels alpha')
Options = collections.namedtuple('Options', 'style_weights keep_color quality exact brush match')
Options.__new__.__defaults__ = (None, None)  # of the last fields


class Pipeline:
    """Restyles files while the next are read and the last are written.

    Args:
        stylizer: Stylizer; what is not a frozen graph runs each picture whole, by itself.
        options: Options.
        max_memory: int, bytes that the process may hold.
        on_end: called with each job and its error, or None.
        on_tile: called with a job, how many of its tiles are done, and of how many.
        ends: ends.FileEnds or its like, where pictures come from and go to.

    Attributes:
        grids: dict from the jobs that ran in tiles to their Grid.
    """

    def __init__(self, stylizer, options, max_memory, on_end, on_tile, ends=FileEnds):
        self.stylizer, self.options, self.max_memory = stylizer, options, max_memory
        self.tell, self.on_tile, self.ends = on_end, on_tile, ends
        self.finish = finishing.Finish(options.keep_color, options.brush, options.match)
        self.flight = {}  # job -> pixels that are held for it
        self.painted = {}  # job -> pixels that go through the network for it
        self.fixed, self.writing, self.grids = None, collections.deque(), {}
        self.at_once, self.run_pixels = 1, None
        self.engine = stylizer.engine
        self.free, self.run_bytes = max(0, max_memory - memory.resident()), 0
        if self.engine.width:
            self.at_once = AT_ONCE
            runs = kind(self.engine.name, options.style_weights)
            self.run_pixels = pixels_in(self.free, self.engine.width, runs)
            self.run_bytes = memory.run_bytes(self.engine.width, runs)

    def run(self, jobs):
        """Restyles all jobs; one that fails does not stop the rest."""
        jobs, reading, waiting, measured = collections.deque(jobs), collections.deque(), {}, None
        with concurrent.futures.ThreadPoolExecutor(THREADS) as readers, \
                concurrent.futures.ThreadPoolExecutor(THREADS) as self.writers:
            try:
                while jobs or reading or waiting:
                    while jobs and len(reading) + sum(map(len, waiting.values())) < AHEAD:
                        pixels = self.measure(jobs[0]) if measured is None else measured
                        if pixels is not None and not self.has_room(jobs[0], pixels):
                            measured = pixels  # until there is room
                            break
                        job, measured = jobs.popleft(), None
                        if pixels == 0:
                            self.run_alone(job)
                        elif pixels is not None:
                            self.flight[job] = pixels
                            reading.append((job, readers.submit(self.read, job)))
                    if reading:
                        self.sort_in(*reading.popleft(), waiting)
                    elif not waiting:  # memory is short: the next comes in when one is written
                        self.collect(len(self.writing) - 1)
                    self.run_groups(waiting, last=not reading)
                    self.collect(AHEAD)
                self.collect(0)
            finally:  # on Ctrl-C, what has not begun is left
                for _, future in list(reading) + list(self.writing):
                    future.cancel()
                if self.fixed is not None:
                    self.fixed.close()
                    self.fixed = None

    def measure(self, job):
        """The pixels that a picture holds while it is worked on; None where it has failed already.

        0 is one that is to be run in tiles.
        """
        try:
            width, height = self.ends.size(job)
        except Exception as error:
            self.on_end(job, reason(job, error))
            return None
        self.painted[job] = self.painted_pixels(width, height)
        large = self.run_pixels is not None and (self.painted[job] > self.run_pixels or (
            self.options.brush is not None and self.needed([width * height], self.painted[job],
                                                           {images.format_of(job.target)}) > self.free))
        return 0 if large else width * height

    def painted_pixels(self, width, height):
        """The pixels that go through the network for a photo of that size."""
        columns, rows = working_size(self.options.brush, width, height)
        return columns * rows

    def has_room(self, job, pixels):
        """Whether one more picture can be held beside those on their way and the run of the largest.

        One that is run in tiles takes what memory there is, and waits until no other is held.
        """
        held = list(self.flight.values())
        if not held or not pixels:
            return not held
        jobs = list(self.flight) + [job]
        run = self.at_once * max(self.painted.get(each, self.flight.get(each, pixels)) for each in jobs)
        formats = {images.format_of(each.target) for each in jobs}
        return self.needed(held + [pixels], run, formats) <= self.free

    def needed(self, held, run, formats):
        """Bytes that pictures of so many pixels take beside a run of so many, written in these formats."""
        run = min(self.run_pixels or 0, run)
        needed = self.run_bytes * run + memory.SLACK if run else 0
        writer = max(map(memory.encoding_bytes, formats)) + COLOR_BYTES * (self.finish != finishing.PLAIN)
        return HELD_BYTES * sum(held) + needed + THREADS * writer * max(held)

    def on_end(self, job, error):
        """Says how a job ended, and lets go of what was held for it."""
        self.flight.pop(job, None)
        self.painted.pop(job, None)
        self.tell(job, error)

    def read(self, job):
        """Decodes a picture: Photo."""
        return Photo(job, *self.ends.read(job))

    def sort_in(self, job, future, waiting):
        """Puts a picture with those of its size."""
        try:
            photo = future.result()
        except Exception as error:
            self.on_end(job, reason(job, error))
        else:
            waiting.setdefault(photo.pixels.shape, []).append(photo)

    def run_alone(self, job):
        """Restyles a large picture at once, and says how it ended."""
        try:
            self.run_large(job)
        except Exception as error:
            self.on_end(job, reason(job, error))
        else:
            self.on_end(job, None)

    def run_groups(self, waiting, last):
        """Runs each size that fills a batch; where no more come, or too many wait, the oldest."""
        for shape in list(waiting):
            at_once = self.at_once
            if at_once > 1:
                at_once = min(at_once, max(1, self.run_pixels // self.painted_pixels(shape[1], shape[0])))
            full = len(waiting[shape]) >= at_once
            crowded = sum(map(len, waiting.values())) >= AHEAD
            if full or crowded or last:
                group = waiting.pop(shape)
                for start in range(0, len(group), at_once):
                    self.run_group(group[start:start + at_once])

    def run_group(self, group):
        """Restyles pictures of one size, and hands them on to be written."""
        try:
            pixels = [finishing.before(photo.pixels, self.options.brush) for photo in group]
            if len(group) > 1:
                stylized = self.stylizer.stylize(np.stack(pixels), self.options.style_weights)
            else:
                stylized = [self.stylizer.stylize(pixels[0], self.options.style_weights)]
        except MemoryError:
            self.run_smaller(group)
            return
        except Exception as error:
            if len(group) == 1:
                self.on_end(group[0].job, reason(group[0].job, error))
            else:  # one may be to blame, and the others are not
                self.run_each(group)
            return
        for photo, painted in zip(group, stylized):
            self.writing.append((photo.job, self.writers.submit(self.write, photo, painted)))

    def run_smaller(self, group):
        """What the device had no memory for: one by one, then in tiles."""
        if len(group) > 1:
            self.run_each(group)
            return
        photo = group[0]
        try:
            if self.run_pixels is None:
                raise UserError('%s: the device has not enough memory' % photo.job.source)
            height, width = photo.pixels.shape[:2]
            self.run_large(photo.job, max(SMALLEST_TILE ** 2, self.painted_pixels(width, height) // 2))
        except Exception as error:
            self.on_end(photo.job, reason(photo.job, error))
        else:
            self.on_end(photo.job, None)

    def run_each(self, group):
        """Restyles the pictures of a group one by one."""
        for photo in group:
            self.run_group([photo])

    def write(self, photo, painted):
        painted = finishing.after(photo.pixels, painted, self.finish)
        self.ends.write(photo.job, painted, photo.alpha, self.options.quality)

    def collect(self, most):
        """Waits until no more than `most` pictures are being written, and reports the others."""
        while self.writing and (len(self.writing) > most or self.writing[0][1].done()):
            job, future = self.writing.popleft()
            try:
                future.result()
            except Exception as error:
                self.on_end(job, reason(job, error))
            else:
                self.on_end(job, None)

    def run_large(self, job, max_pixels=None):
        """Restyles a picture in tiles, and writes it.

        Raises:
            UserError: it cannot be read or written, or no tile fits into memory.
        """
        self.collect(0)
        if self.fixed is None:
            self.fixed = regions.tiles(self.engine, self.options.style_weights)
        options = self.options
        with self.ends.open_source(job, self.max_memory) as source, \
                self.ends.open_sink(job, source, options.quality) as sink:
            if max_pixels is None:
                rows = finished.memory_bytes(self.finish, source.width, source.height)
                max_pixels = row_files.tile_pixels(job.source, self.max_memory - rows, self.engine.width,
                                                   source, sink, options.exact,
                                                   kind(self.engine.name, options.style_weights))
            while True:
                try:
                    self.grids[job] = finished.stylize_rows(
                        self.fixed, source, sink, options.style_weights, max_pixels,
                        options.exact, self.finish,
                        lambda done, total: self.on_tile(job, done, total))
                    break
                except MemoryError:
                    max_pixels = row_files.halved(max_pixels, job.source)
                    sink.restart()
            memory.trim()
            sink.finish()


def restyle_photo(stylizer, photo, options, max_memory):
    """Restyles one photo that a program has: PIL image.

    Args:
        stylizer: Stylizer.
        photo: as in ends.PhotoEnds.
        options: Options; the quality is not used.
        max_memory: int, bytes that the process may hold.

    Raises:
        UserError: the photo cannot be read, or whatever else went wrong in it.
    """
    ends, errors = PhotoEnds(photo), []
    Pipeline(stylizer, options, max_memory, lambda job, error: errors.append(error),
             lambda job, done, total: None, ends).run([Job(ends.name, ends.name)])
    if errors != [None]:
        raise UserError(errors[0])
    return ends.result


def reason(job, error):
    """Why a picture failed, in one line that names it; --verbosity=1 shows where in the code."""
    if isinstance(error, UserError):
        line = str(error)
        if job.source in line or job.target in line:
            return line
    elif isinstance(error, MemoryError):
        line = 'not enough memory; give --max_memory less, or end what else runs'
    else:
        logging.debug('%s', job.source, exc_info=error)
        line = '%s: %s' % (type(error).__name__, getattr(error, 'message', None) or error)
    line = ' '.join(line.split())
    return '%s: %s' % (job.source, line if len(line) <= REASON else line[:REASON] + ' ...')
