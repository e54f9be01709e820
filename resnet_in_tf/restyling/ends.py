"""Where a pipeline's pictures come from and where they go: files, or what a program holds."""

import contextlib
import os

from PIL import Image

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import held, images
from resnet_in_tf.tiles import row_files
from resnet_in_tf.tiles.rows import MemorySink, MemorySource


class FileEnds:
    """From file to file: a job's source and target are paths."""

    @staticmethod
    def size(job):
        """(width, height) of a job's picture, from its header; its target is checked, too.

        Raises:
            UserError: it cannot be read, or its result cannot be written.
        """
        make_folder(job.target)
        width, height = images.check(job.source)
        images.check_target(job.target, width, height)
        return width, height

    @staticmethod
    def read(job):
        """A job's picture: (uint8 [H, W, 3], uint8 [H, W] alpha or None)."""
        return images.read_rgba(job.source)

    @staticmethod
    def write(job, painted, alpha, quality):
        """Takes a job's result: uint8 or float [H, W, 3] in [0, 255], uint8 [H, W] or None, and a quality."""
        images.write(job.target, painted, quality, alpha)

    @staticmethod
    def open_source(job, max_memory):
        """A context manager of a job's picture by rows; arguments and errors as row_files.open_source."""
        return row_files.open_source(job.source, max_memory)

    @staticmethod
    def open_sink(job, source, quality):
        """A context manager of a job's result by rows, as row_files.open_sink."""
        return row_files.open_sink(job.target, source, quality)


class PhotoEnds:
    """One photo that a program has, as a file or in memory; the result stays in memory.

    Args:
        photo: path, PIL image, or uint8 [H, W], [H, W, 3] or [H, W, 4].

    Attributes:
        name: what messages call the photo.
        result: PIL image of mode RGB, or RGBA where the photo has transparency; None until it is there.

    Raises:
        UserError: it is none of these.
    """

    def __init__(self, photo):
        self.path = os.fspath(photo) if isinstance(photo, (str, os.PathLike)) else None
        self.image = held.as_image(photo) if self.path is None else None
        self.name, self.result = self.path or held.NAME, None

    def size(self, job):
        """(width, height) of the photo, from its header."""
        return images.check(self.path) if self.path is not None else self.image.size

    def read(self, job):
        """The photo, as FileEnds.read gives it."""
        return images.read_rgba(self.path) if self.path is not None else held.rgba(self.image)

    def write(self, job, painted, alpha, quality):
        """Takes the result, as FileEnds.write does."""
        self.result = Image.fromarray(images.bytes_of(painted))
        if alpha is not None:
            self.result.putalpha(Image.fromarray(alpha))

    @contextlib.contextmanager
    def open_source(self, job, max_memory):
        """The photo by rows, as FileEnds.open_source."""
        if self.path is not None:
            with row_files.open_source(self.path, max_memory) as source:
                yield source
        else:
            yield MemorySource(*held.rgba(self.image))

    @contextlib.contextmanager
    def open_sink(self, job, source, quality):
        """Collects the result by rows."""
        sink = MemorySink(source.height, source.width, source.has_alpha)
        yield sink
        self.write(job, sink.pixels, sink.alpha, quality)


def make_folder(path):
    """Makes the folder that a file goes to; UserError where it cannot be."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise UserError('%s: cannot make the folder (%s)' % (folder, error.strerror)) from error
