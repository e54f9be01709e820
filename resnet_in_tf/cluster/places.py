"""Where a cluster's pictures come from and go to: folders that every machine sees, or a bucket such as s3://."""

import contextlib
import logging
import mimetypes
import os
import uuid

from resnet_in_tf import files
from resnet_in_tf.errors import UserError

SCHEME = '://'
INSTALL = {'gs': 'gcsfs', 'gcs': 'gcsfs', 'abfs': 'adlfs', 'az': 'adlfs', 'hdfs': 'pyarrow',
           'sftp': 'paramiko'}
# Here an object is there when all of it is: there is nothing to rename.
WHOLE = ('gs', 'gcs', 'abfs', 'az')
PAGE = 1000  # objects that S3 tells at a time


def is_remote(path):
    """Whether a path is an address, and not a folder's."""
    return SCHEME in path


def place(path):
    """Folder, Bucket or Other of a path; UserError where nothing here can open it."""
    if not is_remote(path):
        return Folder(path)
    scheme = path.split(SCHEME)[0].lower()
    with told(path):
        try:
            return Bucket(path) if scheme == 's3' else Other(path, scheme in WHOLE)
        except ImportError as error:
            raise UserError('%s: needs a package more on every machine: pip install %s' % (
                path, INSTALL.get(scheme, "'resnet_in_tf[cluster]'"))) from error


class Folder:
    """A folder of this machine, or one that all machines see.

    Args:
        path: str.
    """

    is_local = True

    def __init__(self, path):
        self.path = path

    def entries(self, folder):
        """What is in a folder, one by one: (name, bytes or None for a folder, whether it is a link).

        Raises:
            OSError: as the file system says.
        """
        with os.scandir(os.path.join(self.path, folder)) as found:
            for entry in found:
                is_folder = entry.is_dir()
                try:
                    size = None if is_folder else entry.stat().st_size
                except OSError:  # gone, or a link to nowhere: it is told of when it is read
                    size = 0
                yield entry.name, size, entry.is_symlink()

    def full(self, name):
        """The path of what is called `name` here."""
        return os.path.join(self.path, name)

    def exists(self, name):
        """Whether it is there."""
        return os.path.exists(self.full(name))

    def tidy(self, folder):
        """Removes what killed workers left half written in a folder."""
        files.remove_leftovers(self.full(folder))


class Bucket:
    """Objects of S3 below a prefix.

    Args:
        path: str, s3://BUCKET/PREFIX.
    """

    is_local = False

    def __init__(self, path):
        import boto3
        logging.getLogger('botocore').setLevel(logging.WARNING)  # it tells where credentials are
        self.path = path.rstrip('/')
        self.bucket, _, self.prefix = self.path.split(SCHEME)[1].partition('/')
        self.client = boto3.client('s3')

    def entries(self, folder):
        """As Folder.entries, but all that is below the folder; a page at a time, and keys come in order."""
        prefix = self.key(folder) + '/' if self.key(folder) else ''
        pages = self.client.get_paginator('list_objects_v2').paginate(
            Bucket=self.bucket, Prefix=prefix, PaginationConfig={'PageSize': PAGE})
        with told(self.full(folder)):
            for page in pages:
                for each in page.get('Contents', ()):
                    if not each['Key'].endswith('/'):  # what some programs make for an empty folder
                        yield each['Key'][len(prefix):], each['Size'], False

    def full(self, name):
        """The address of what is called `name` here."""
        return below(self.path, name)

    def key(self, name):
        return below(self.prefix, name)

    def exists(self, name):
        """Whether it is there, in one request."""
        from botocore.exceptions import ClientError
        with told(self.full(name)):
            try:
                self.client.head_object(Bucket=self.bucket, Key=self.key(name))
            except ClientError as error:
                if error.response['Error']['Code'] in ('404', 'NoSuchKey'):
                    return False
                raise
        return True

    def fetch(self, name, path):
        """Copies it into a file of this machine."""
        with told(self.full(name)):
            self.client.download_file(self.bucket, self.key(name), path)

    def store(self, path, name):
        """Copies a file of this machine here; S3 shows an object when it has all of it."""
        kind = mimetypes.guess_type(name)[0]
        with told(self.full(name)):
            self.client.upload_file(path, self.bucket, self.key(name),
                                    ExtraArgs={'ContentType': kind} if kind else None)

    def tidy(self, folder):
        """Nothing is left half written here."""


class Other:
    """Files behind one of fsspec's addresses.

    Args:
        path: str, the address.
        whole: whether a file is there only when all of it is.
    """

    is_local = False

    def __init__(self, path, whole):
        import fsspec
        self.path, self.whole = path.rstrip('/'), whole
        self.system, root = fsspec.core.url_to_fs(path, use_listings_cache=False)
        self.root = root.rstrip('/')

    def entries(self, folder):
        """As Folder.entries; a folder is listed at once."""
        with told(self.full(folder)):
            found = self.system.ls(self.inside(folder), detail=True)
        for entry in found:
            name = entry['name'].rstrip('/').rsplit('/', 1)[-1]
            yield name, None if entry['type'] == 'directory' else entry['size'], False

    def full(self, name):
        """The address of what is called `name` here."""
        return below(self.path, name)

    def inside(self, name):
        return below(self.root, name)

    def exists(self, name):
        """Whether it is there."""
        with told(self.full(name)):
            return self.system.exists(self.inside(name))

    def fetch(self, name, path):
        """Copies it into a file of this machine."""
        with told(self.full(name)):
            self.system.get_file(self.inside(name), path)

    def store(self, path, name):
        """Copies a file of this machine here, where need be under another name first."""
        target = self.inside(name)
        with told(self.full(name)):
            if self.whole:
                self.system.put_file(path, target)
                return
            folder = target.rpartition('/')[0]
            self.system.makedirs(folder, exist_ok=True)
            temporary = '%s/%s' % (folder, files.TEMPORARY % uuid.uuid4().hex)
            try:
                self.system.put_file(path, temporary)
                if self.system.exists(target):
                    self.system.rm_file(target)
                self.system.mv(temporary, target)
            except BaseException:
                with contextlib.suppress(Exception):
                    self.system.rm_file(temporary)
                raise

    def tidy(self, folder):
        """Nothing: who still writes cannot be told here."""


def below(root, name):
    """What is called `name` below a root of a store; either may be empty."""
    return '/'.join(filter(None, [root, name]))


@contextlib.contextmanager
def told(path):
    """Turns whatever a store raises into one line that names the path."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:  # each kind of store has classes of its own
        text = ' '.join(str(error).split())[:200]
        raise UserError('%s: %s' % (path, text or type(error).__name__)) from error
