"""Which picture files a path, a folder or a pattern stands for, and what was left out of them."""

import collections
import fnmatch
import glob
import os

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures.guards import EXTENSIONS

# Pictures by their endings that no decoder here reads: worth a word where they are left out.
FOREIGN = frozenset(
    '.heic .heif .hif .avif .jxl .jp2 .j2k .jxr .psd .psb .xcf .svg .eps .ico .tga .exr .hdr .dng .cr2 '
    '.cr3 .nef .arw .orf .rw2 .raf .pef .srw'.split())

Listing = collections.namedtuple('Listing', 'pictures root unreadable notes')


def list_pictures(path_or_dir_or_glob):
    """Lists the picture files that a path, a folder or a pattern stands for.

    Args:
        path_or_dir_or_glob: as find_pictures.

    Returns:
        Sorted list of str, never empty.

    Raises:
        UserError: nothing there, or a folder in it cannot be read.
    """
    found = find_pictures(path_or_dir_or_glob)
    if found.unreadable:
        raise UserError('%s: %s' % found.unreadable[0])
    return found.pictures


def find_pictures(path_or_dir_or_glob):
    """Finds the picture files that a path, a folder or a pattern stands for.

    Args:
        path_or_dir_or_glob: str. A file is taken whatever its name. A folder is searched with
            its sub-folders, hidden and linked ones aside. In a pattern a part that exists by
            that very name, brackets and all, stands for itself, and `**` for any depth.

    Returns:
        Listing: `pictures`, sorted list of str; `root`, the folder that all of them are in;
        `unreadable`, (folder, reason) for each that could not be searched; `notes`, a line for
        each kind of thing that was left out and might have been meant. `pictures` is empty only
        where a folder was unreadable.

    Raises:
        UserError: nothing there.
    """
    given = os.fspath(path_or_dir_or_glob)
    search = _Search()
    if not os.path.isdir(given) and search.exists(given):
        return Listing([given], os.path.dirname(given), [], [])
    if search.unreadable:
        raise UserError('{}: {}'.format(*search.unreadable[0]))
    if not os.path.isdir(given) and not glob.has_magic(given):
        raise UserError('{}: no such file or folder'.format(given))
    if os.path.isdir(given):
        root, files = given, search.everything(given)
    else:
        root, parts = _split(given)
        if not os.path.isdir(root or '.'):
            raise UserError('{}: no such file or folder'.format(given))
        files = search.matching(root, parts)
    files = sorted(set(files))
    pictures = [path for path in files if _ending(path) in EXTENSIONS]
    notes = _notes(given, files, search.linked)
    if not pictures and not search.unreadable:
        raise UserError('; '.join(['{}: no pictures here (looked for {})'.format(
            given, ' '.join(sorted(EXTENSIONS)))] + notes))
    return Listing(pictures, root, search.unreadable, notes)


class _Search:
    """Walks folders, and remembers what it could not or would not enter.

    Attributes:
        unreadable: list of (folder, reason).
        linked: set of folders that are links.
    """

    def __init__(self):
        self.unreadable, self.linked = [], set()

    def failed(self, error):
        entry = (error.filename, 'cannot be searched ({})'.format(error.strerror))
        if entry not in self.unreadable:
            self.unreadable.append(entry)

    def exists(self, path):
        try:
            os.stat(path)
        except PermissionError as error:
            self.failed(error)
            return False
        except OSError:
            return os.path.islink(path)
        return True

    def folders(self, top):
        """Each folder of a tree with the names of its files; a linked one could lead in circles."""
        for folder, folders, names in os.walk(top, onerror=self.failed):
            folders[:] = [name for name in folders if not name.startswith('.')]
            self.linked.update(path for path in (os.path.join(folder, name) for name in folders)
                               if os.path.islink(path))
            yield folder, names

    def everything(self, top):
        """The files of a tree that are not hidden."""
        return [os.path.join(folder, name) for folder, names in self.folders(top)
                for name in names if not name.startswith('.')]

    def matching(self, folder, parts):
        """The files below a folder that the parts of a pattern stand for."""
        part, rest = parts[0], parts[1:]
        if part == '**':
            if not rest:
                return self.everything(folder)
            return [path for each, _ in self.folders(folder) for path in self.matching(each, rest)]
        literal = os.path.join(folder, part)
        if self.exists(literal):
            paths = [literal]
        elif glob.has_magic(part):
            try:
                names = os.listdir(folder or '.')
            except OSError as error:
                self.failed(error)
                return []
            paths = [os.path.join(folder, name) for name in fnmatch.filter(names, part)
                     if part.startswith('.') or not name.startswith('.')]
        else:
            paths = []
        if rest:
            return [found for path in paths if os.path.isdir(path)
                    for found in self.matching(path, rest)]
        return [path for path in paths if not os.path.isdir(path)]


def _split(pattern):
    """A pattern's folder up to its first wildcard, and the parts from there on."""
    drive, path = os.path.splitdrive(pattern.replace(os.altsep or os.sep, os.sep))
    root = drive + os.sep if path.startswith(os.sep) else drive
    parts = [part for part in path.split(os.sep) if part]
    for number, part in enumerate(parts):
        joined = os.path.join(root, part)
        if glob.has_magic(part) and not os.path.lexists(joined):
            return root, parts[number:]
        root = joined
    return root, ['**']


def _ending(path):
    name = os.path.basename(path)  # hidden ones are macOS's "._photo.jpg" and our own .tmp
    return '' if name.startswith('.') else os.path.splitext(name)[1].lower()


def _notes(given, files, linked):
    notes = []
    foreign = [ending for ending in map(_ending, files) if ending in FOREIGN]
    if foreign:
        notes.append('{}: {} left out, no decoder here reads {}; save as JPEG or PNG'.format(
            given, _count(len(foreign), 'picture'), ' '.join(sorted(set(foreign)))))
    if linked:
        notes.append('{}: {} left out, such as {}; a link is followed where it is named itself'.format(
            given, _count(len(linked), 'linked folder'), min(linked)))
    return notes


def _count(number, what):
    return '{} {}{}'.format(number, what, '' if number == 1 else 's')
