"""Pictures of a place, one after another and never all at once, each with where its result goes."""

import collections
import os

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images, listing
from resnet_in_tf.restyling import batch

Picture = collections.namedtuple('Picture', 'name target bytes')
Picture.__doc__ = """A picture to restyle.

Fields:
    name: str, its path below --input.
    target: str, that of its result below --output.
    bytes: int, of its file.
"""


class Listing:
    """Iterates over the pictures below a place, as batch.plan would find them, in no order.

    Args:
        source: places.Folder or Bucket.
        output: the same, of the results.
        others: paths of further files that no result may replace.
        on_failed: called with a name and a reason, for each picture or folder that nothing can be done for.
        tidy: whether what killed workers left among the results is removed.
        endings: of the files that are taken, in small letters; what is no picture's stays as it is.

    Attributes:
        found: int, pictures so far.
        notes: list of str, what was left out; complete after the last picture.

    Raises:
        UserError: the results would lie among the pictures, or the pictures among the results.
    """

    def __init__(self, source, output, others=(), on_failed=lambda name, reason: None, tidy=True,
                 endings=images.EXTENSIONS):
        self.source, self.output, self.on_failed, self.tidy = source, output, on_failed, tidy
        self.endings = endings
        self.found, self.results, self.linked, self.foreign = 0, 0, 0, collections.Counter()
        self.skipped = relative(output.path, source.path)
        if self.skipped == '.':
            raise UserError('--output %s: is the folder of the pictures themselves; name another'
                            % output.path)
        if relative(source.path, output.path) is not None:
            raise UserError('--output %s: holds --input %s; name a folder that does not'
                            % (output.path, source.path))
        self.below = {relative(path, output.path) for path in others}

    def __iter__(self):
        for name, size in self.walk(''):
            ending = os.path.splitext(name)[1].lower()
            if ending in listing.FOREIGN:
                self.foreign[ending] += 1
            if ending not in self.endings:
                continue
            target, clash = self.target(name)
            if clash is None and os.path.normpath(target) in self.below:
                clash = '%s: its result would take the place of a picture that is a style or mask' % (
                    self.source.full(name))
            self.found += 1
            if clash:
                self.on_failed(name, clash)
            else:
                yield Picture(name, target, size)

    def walk(self, folder):
        """(name, bytes) of each file below a folder that is not hidden and no result."""
        if self.tidy:
            self.output.tidy(folder)
        try:
            for name, size, is_link in self.source.entries(folder):
                path = '%s/%s' % (folder, name) if folder else name
                if any(part.startswith('.') for part in name.split('/')):
                    continue
                if self.skipped is not None and (path == self.skipped
                                                 or path.startswith(self.skipped + '/')):
                    self.results += 1
                elif size is not None:
                    yield path, size
                elif is_link:
                    self.linked += 1
                else:
                    yield from self.walk(path)
        except (OSError, UserError) as error:
            if not folder:
                raise UserError('%s: cannot be searched (%s); with --cluster, --input is a folder' % (
                    self.source.path, getattr(error, 'strerror', None) or error)) from error
            self.on_failed(folder, '%s: cannot be searched (%s)' % (
                self.source.full(folder), getattr(error, 'strerror', None) or error))

    def target(self, name):
        """Where a result goes, and why it cannot: (str, None) or (str, reason), as batch.targets says."""
        stem, ending = os.path.splitext(name)
        new = batch.written_as(ending)
        if new == ending or ending.lower() not in images.EXTENSIONS:
            return name, None
        # Only these can want one of the names that this picture may have.
        rivals = {stem + new, name + new} | {stem + make(old) for old in batch.WRITTEN_AS
                                             for make in (str.lower, str.upper)}
        beside = sorted([name] + [each for each in rivals - {name} if self.source.exists(each)])
        jobs, failed, _ = batch.targets([self.source.full(each) for each in beside], self.source.path,
                                        self.output.path)
        own = self.source.full(name)
        for job in jobs:
            if job.source == own:
                return os.path.relpath(job.target, self.output.path), None
        return name, next(reason for job, reason in failed if job.source == own)

    @property
    def notes(self):
        """Lines that tell what was left out."""
        notes = []
        if self.foreign:
            notes.append('%s: %d left out, no decoder here reads %s; save as JPEG or PNG' % (
                self.source.path, sum(self.foreign.values()), ' '.join(sorted(self.foreign))))
        if self.linked:
            notes.append('%s: %d linked folders left out; a link is followed where it is named itself' % (
                self.source.path, self.linked))
        if self.results:
            notes.append('%s: %d files left out as results, in --output %s' % (
                self.source.path, self.results, self.output.path))
        return notes


def relative(path, folder):
    """The path of something below a folder or address; None where it is not below."""
    if ('://' in path) != ('://' in folder):
        return None
    if '://' not in path:
        path, folder = os.path.realpath(path), os.path.realpath(folder)
    path, folder = path.rstrip('/'), folder.rstrip('/')
    if path == folder:
        return '.'
    return path[len(folder) + 1:] if path.startswith(folder + '/') else None


def groups(pictures, most, most_bytes):
    """Puts pictures of like size together, a few groups at a time.

    A class of sizes spans four times the bytes, so that at most some thirty groups are open at once.

    Args:
        pictures: iterable of Picture; no more of it is read than the next group needs.
        most: int, pictures in a group.
        most_bytes: int, bytes in a group; one picture may have more.

    Yields:
        List of Picture.
    """
    opened, held = {}, collections.Counter()
    for picture in pictures:
        key = picture.bytes.bit_length() // 2
        if opened.get(key) and held[key] + picture.bytes > most_bytes:
            held[key] = 0
            yield opened.pop(key)
        opened.setdefault(key, []).append(picture)
        held[key] += picture.bytes
        if len(opened[key]) == most or held[key] >= most_bytes:
            held[key] = 0
            yield opened.pop(key)
    for key in sorted(opened, reverse=True):  # what takes longest is not left for the end
        yield opened[key]
