"""Frames through the network: as many at once as memory has room for, or one in tiles."""

import functools
import itertools

import numpy as np

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.network.regions import Regions, kind
from resnet_in_tf.pictures import finishing, images
from resnet_in_tf.pictures.brush import working_size
from resnet_in_tf.restyling import regions
from resnet_in_tf.tiles import row_files
from resnet_in_tf.tiles.large import SMALLEST_TILE, measure, pixels_in, stylize_rows
from resnet_in_tf.tiles.rows import MemorySource
from resnet_in_tf.video import statistics

AT_ONCE = 4  # frames of one run
HELD_BYTES = 64  # a pixel of each frame of a run: decoded, painted and steadied ones that wait beside it


class Painter:
    """Restyles the frames of one film.

    Args:
        stylizer: Stylizer.
        style_weights: float32 [S], or network.regions.Regions.
        film: Film.
        max_memory: int, bytes that the process may hold.
        exact: whether tiles use true statistics.
        finish: finishing.Finish.
        pins: whether frames of a shot share their statistics, where the network has any and TensorFlow
            runs it; with regions each has its own.

    Attributes:
        at_once: int, frames of one run.

    Raises:
        UserError: frames are too large for this network and memory.
    """

    def __init__(self, stylizer, style_weights, film, max_memory, exact=False, finish=finishing.PLAIN,
                 pins=False):
        self.stylizer, self.style_weights, self.film = stylizer, style_weights, film
        self.max_memory, self.exact, self.frames_finish = max_memory, exact, finish
        self.fixed, self.tile, engine = None, None, stylizer.engine
        columns, rows = working_size(finish.brush, film.width, film.height)
        self.area, held = columns * rows, HELD_BYTES * film.width * film.height
        free, runs = max_memory - memory.resident(), kind(engine.name, style_weights)
        fitting = (free - memory.SLACK) // (memory.run_bytes(engine.width, runs) * self.area + held)
        fitting = min(fitting, pixels_in(free, engine.width, runs) // self.area)
        self.at_once = int(max(1, min(AT_ONCE, fitting)))
        if pins and engine.name == 'tensorflow' and not isinstance(style_weights, Regions):
            try:
                self.fixed = engine.tiles()
            except UserError:
                pass  # of a paper's rival that has other statistics
        self.pins = bool(self.fixed and self.fixed.norms)
        if fitting < 1:
            self.open_tiles(pixels_in(free - held, engine.width, runs))

    def open_tiles(self, pixels):
        """Prepares for frames that are too large for one run; UserError where that is no way out.

        Args:
            pixels: int, of a tile.
        """
        self.tile = pixels
        if self.tile < SMALLEST_TILE ** 2:
            raise UserError('%s: --max_memory %s is too little for this network and film'
                            % (self.film.path, memory.show(self.max_memory)))
        self.fixed = self.fixed or regions.tiles(self.stylizer.engine, self.style_weights)

    def shrink(self):
        """Goes on in tiles, or smaller ones, after a run that memory had no room for."""
        if self.tile:
            self.tile = row_files.halved(self.tile, self.film.path)
        else:
            self.open_tiles(max(SMALLEST_TILE ** 2, self.area // 2))

    def __call__(self, pixels, number, begins, pinned=None):
        """Restyles frames that follow each other.

        Args:
            pixels: uint8 [N, H, W, 3].
            number: int, of the first of them in its film.
            begins: list of bool, whether a shot begins with each.
            pinned: statistics.Pinned of the frame before, or None.

        Returns:
            (uint8 or float32 [N, h, w, 3] in [0, 255], for `finish`, list of Pinned of each; of None where
            no statistics are shared).
        """
        pixels = np.stack([finishing.before(frame, self.frames_finish.brush) for frame in pixels])
        if not self.pins:
            return self.paint(pixels, None), [None] * len(pixels)
        kept = []
        for place, frame in enumerate(pixels):
            pinned = statistics.follow(pinned, number + place, begins[place],
                                       functools.partial(self.measure, frame))
            kept.append(pinned)
        groups = itertools.groupby(range(len(kept)), lambda place: id(kept[place]))
        groups = [list(group) for _, group in groups]
        return np.concatenate([self.paint(pixels[group[0]:group[-1] + 1], kept[group[0]].current)
                               for group in groups]), kept

    def measure(self, frame):
        """A frame's own statistics: list of Affine."""
        while True:
            try:
                if self.tile:
                    return measure(self.fixed, MemorySource(frame), self.style_weights, self.tile, self.exact)
                return self.fixed.statistics_of(frame, self.style_weights)
            except MemoryError:
                self.shrink()

    def paint(self, pixels, affines):
        """Restyles frames with statistics that are given, or with each one's own."""
        if self.tile:
            return np.stack([self.in_tiles(frame, affines) for frame in pixels])
        try:
            if affines is None:
                return self.stylizer.stylize(pixels, self.style_weights)
            return self.fixed.stylize(pixels, self.style_weights, affines)
        except MemoryError:
            if len(pixels) > 1:
                return np.concatenate([self.paint(frame[None], affines) for frame in pixels])
            self.shrink()
            return self.paint(pixels, affines)

    def in_tiles(self, frame, affines):
        while True:
            sink = Rows()
            try:
                stylize_rows(self.fixed, MemorySource(frame), sink, self.style_weights, self.tile, self.exact,
                             affines=affines)
                return np.concatenate(sink.rows)
            except MemoryError:
                self.shrink()

    def finish(self, frame, painted):
        """A frame as it is written, uint8 [H, W, 3], for the film's own and what the network made of it."""
        return images.bytes_of(finishing.after(frame, painted, self.frames_finish))

    def close(self):
        """Gives the memory of the fixed form back."""
        if self.fixed is not None:
            self.fixed.close()
            self.fixed = None


class Rows:
    """Collects the rows of a restyled frame."""

    def __init__(self):
        self.rows = []

    def write(self, pixels, alpha):
        """Takes the next rows: uint8 [h, W, 3]."""
        self.rows.append(pixels)
