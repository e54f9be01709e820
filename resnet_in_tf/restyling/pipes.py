"""A picture from standard input and a result to standard output: through files, by the guards of files."""

import contextlib
import os
import shutil
import sys

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import batch
from resnet_in_tf.tiles import scratch

PIPE = '-'  # a path that stands for standard input or output
LARGEST = 2 ** 31  # bytes that are read: the pixels of the largest picture, with 16 bits and alpha, are fewer
ENDINGS = {'JPEG': '.jpg', 'PNG': '.png', 'WEBP': '.webp', 'BMP': '.bmp', 'TIFF': '.tif', 'PPM': '.ppm',
           'GIF': '.gif'}


class Pipes:
    """Paths in the place of pipes.

    Args:
        source, output: paths for batch.plan; output is None where it was.
        folder: where those lie that stand for a pipe, or None.
        descriptor: int, of standard output, where the result goes there; or None.
    """

    def __init__(self, source, output, folder=None, descriptor=None):
        self.source, self.output, self.folder, self.descriptor = source, output, folder, descriptor

    def named(self, text):
        """A message with '-' where it tells the path of a file in the place of a pipe."""
        for path in (self.source, self.output):
            if self.folder and os.path.dirname(path) == self.folder:
                text = text.replace(path, PIPE)
        return text

    def send(self):
        """Writes the result to standard output, where it goes there.

        Raises:
            UserError: it cannot be written.
            BrokenPipeError: its reader has left.
        """
        if self.descriptor is None:
            return
        try:
            with open(self.output, 'rb') as result, open(self.descriptor, 'wb', closefd=False) as pipe:
                shutil.copyfileobj(result, pipe, 2 ** 20)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise UserError('%s: cannot write it: %s' % (PIPE, error.strerror or error)) from error


@contextlib.contextmanager
def opened(source, output, format_=None):
    """Puts files in the place of pipes.

    While the block lasts, and after it, nothing else reaches a standard output that a picture goes to: what
    libraries print there is led to standard error.

    Args:
        source: as in batch.plan, or PIPE.
        output: as in batch.plan, PIPE, or None.
        format_: ending of a picture without its point, of a result in a pipe; None for the photo's own.

    Yields:
        Pipes.

    Raises:
        UserError: a terminal at the end of a pipe, too much in it, or an output without a name; and those
            of the block, with '-' for the path.
    """
    if format_ and output != PIPE:
        raise UserError('--format is for --output -; else the ending of --output tells it')
    if PIPE not in (source, output):
        yield Pipes(source, output)
        return
    if source == PIPE and output != PIPE and not batch.goes_to_file(output):
        raise UserError('--input -: a picture from a pipe has no name; --output is -, or a file '
                        'that ends in %s' % batch.ENDINGS)
    for path, descriptor, flag in ((source, 0, 'input'), (output, 1, 'output')):
        if path == PIPE and os.isatty(descriptor):
            raise UserError('--%s -: is a terminal, lead a file or a pipe there' % flag)
    descriptor = None
    if output == PIPE:
        sys.stdout.flush()
        descriptor = os.dup(1)
        os.dup2(2, 1)
    with files.scratch_folder(scratch.folder()) as folder:
        if source == PIPE:
            source = receive(folder)
        if output == PIPE:
            output = os.path.join(folder, 'result' + ('.' + format_ if format_ else ending_of(source)))
        pipes = Pipes(source, output, folder, descriptor)
        try:
            yield pipes
        except UserError as error:
            raise UserError(pipes.named(str(error))) from error


def receive(folder):
    """Puts what comes through standard input into a file of a folder: its path."""
    path, room = os.path.join(folder, 'input'), LARGEST
    try:
        with open(0, 'rb', closefd=False) as file, open(path, 'wb') as kept:
            for block in iter(lambda: file.read(2 ** 20), b''):
                room -= len(block)
                if room < 0:
                    raise UserError('--input -: more than %d MB are no picture that is read'
                                    % (LARGEST >> 20))
                kept.write(block)
    except OSError as error:
        raise UserError('--input -: cannot be kept in %s (%s)' % (folder, error.strerror or error)) from error
    with contextlib.suppress(images.PictureError):  # what is none is refused in its turn
        named = path + ENDINGS[images.format_in(path)]
        os.rename(path, named)
        return named
    return path


def ending_of(path):
    """The ending under which a photo's result is written by its own format, '.png' where that is none."""
    try:
        return batch.written_as(ENDINGS[images.format_in(path)])
    except images.PictureError:
        return '.png'
