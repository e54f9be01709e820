"""Frames through the network: as many at once as memory has room for, or one in tiles."""

import numpy as np

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures.color import preserve_color
from resnet_in_tf.tiles import row_files
from resnet_in_tf.tiles.large import SMALLEST_TILE, pixels_in, stylize_rows
from resnet_in_tf.tiles.rows import MemorySource

AT_ONCE = 4  # frames of one run
HELD_BYTES = 48  # a pixel of each frame of a run: decoded and painted ones that wait beside it


class Painter:
    """Restyles the frames of one film.

    Args:
        stylizer: Stylizer.
        style_weights: float32 [S].
        film: Film.
        max_memory: int, bytes that the process may hold.
        exact: whether tiles use true statistics.
        keep_color: whether the film's colours are kept.

    Attributes:
        at_once: int, frames of one run.

    Raises:
        UserError: frames are too large for this network and memory.
    """

    def __init__(self, stylizer, style_weights, film, max_memory, exact=False, keep_color=False):
        self.stylizer, self.style_weights, self.film = stylizer, style_weights, film
        self.max_memory, self.exact, self.keep_color = max_memory, exact, keep_color
        self.fixed, self.tile, engine = None, None, stylizer.engine
        area = film.width * film.height
        free = max_memory - memory.resident()
        fitting = (free - memory.SLACK) // ((memory.run_bytes(engine.width, engine.name) + HELD_BYTES) * area)
        fitting = min(fitting, pixels_in(free, engine.width, engine.name) // area)
        self.at_once = int(max(1, min(AT_ONCE, fitting)))
        if fitting < 1:
            self.tile = pixels_in(free - HELD_BYTES * area, engine.width, engine.name)
            self.open_tiles()

    def open_tiles(self):
        """Prepares for frames that are too large for one run; UserError where that is no way out."""
        if self.stylizer.engine.tiles is None:
            raise UserError('%s: a frame is too large for one pass in --max_memory %s, and an ONNX file is '
                            'not run in tiles; give the .pb' % (
                                self.film.path, memory.show(self.max_memory)))
        if self.tile < SMALLEST_TILE ** 2:
            raise UserError('%s: --max_memory %s is too little for this network and film'
                            % (self.film.path, memory.show(self.max_memory)))
        self.fixed = self.stylizer.engine.tiles()

    def __call__(self, pixels):
        """Restyles frames.

        Args:
            pixels: uint8 [N, H, W, 3].

        Returns:
            uint8 or float32 [N, H, W, 3] in [0, 255], for `finish`.
        """
        if self.fixed is not None:
            return np.stack([self.in_tiles(frame) for frame in pixels])
        try:
            return self.stylizer.stylize(pixels, self.style_weights)
        except MemoryError:
            if len(pixels) > 1:
                return np.concatenate([self(frame[None]) for frame in pixels])
            self.tile = max(SMALLEST_TILE ** 2, self.film.width * self.film.height // 2)
            self.open_tiles()
            return self(pixels)

    def in_tiles(self, frame):
        while True:
            sink = Rows()
            try:
                stylize_rows(self.fixed, MemorySource(frame), sink, self.style_weights, self.tile, self.exact)
                return np.concatenate(sink.rows)
            except MemoryError:
                self.tile = row_files.halved(self.tile, self.film.path)

    def finish(self, frame, painted):
        """A frame as it is written, uint8 [H, W, 3], for the film's own and what the network made of it."""
        if self.keep_color:
            painted = preserve_color(frame, painted)
        return painted if painted.dtype == np.uint8 else np.clip(np.rint(painted), 0, 255).astype(np.uint8)

    def close(self):
        """Gives the memory of tiles back."""
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
