"""What runs on a machine of the cluster: one network that is open, and a group of pictures at a time."""

import collections
import concurrent.futures
import contextlib
import functools
import os
import shutil
import socket

from resnet_in_tf import __version__, files, memory
from resnet_in_tf.cluster import places
from resnet_in_tf.errors import UserError
from resnet_in_tf.restyling import ends, pipeline
from resnet_in_tf.tiles import scratch

TRANSFERS = 8  # at once; each waits for the network most of the time
# What TensorFlow and onnxruntime ask how many threads they may have.
THREADS = ('OMP_NUM_THREADS', 'TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS')

Work = collections.namedtuple('Work', 'source output network options overwrite max_memory version films')
Work.__doc__ = """What every machine is told once.

Fields:
    source, output: str, where pictures come from and go to.
    network: (str, name of the file; dict of arguments of Stylizer beside it).
    options: pipeline.Options.
    overwrite: whether results that exist are made again.
    max_memory: int, bytes that a worker may hold; None for its share of what is free.
    version: str, of the package that asks.
    films: dict of what films.Options has beside those of pictures, where films are restyled; else None.
"""


class Painter:
    """A worker, opened by `open`; Ray makes an actor of it.

    Args:
        cores: int, which its network may use.
        share: float, part of the machine's memory that it may have.
    """

    def __init__(self, cores, share):
        for name in THREADS:  # before TensorFlow is imported
            os.environ[name] = str(cores)
        self.share, self.ahead = share, {}
        self.tidying = contextlib.ExitStack()

    def open(self, work, model):
        """Opens the network: str, the name of this machine.

        Args:
            work: Work.
            model: bytes of the network's file.

        Raises:
            UserError: it cannot be opened here.
        """
        if work.version != __version__:
            raise UserError('resnet_in_tf %s is installed here, and %s asks; install the same on every '
                            'machine' % (__version__, work.version))
        from resnet_in_tf.restyling.stylizer import Stylizer
        self.work = work
        self.source, self.output = places.place(work.source), places.place(work.output)
        self.folder = self.tidying.enter_context(files.scratch_folder(scratch.folder()))
        name, arguments = work.network
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as file:
            file.write(model)
        self.stylizer = Stylizer(path, **arguments)
        self.max_memory = work.max_memory or memory.resident() + int(
            self.share * (memory.limit_by_default() - memory.resident()))
        return socket.gethostname()

    def prepare(self, number, pictures, again):
        """Finds out what of a group is to do, and brings its files here while others are painted.

        Args:
            number: int, the group's, which `paint` names.
            pictures: list of listing.Picture.
            again: whether a worker died over them: what is there now, it has made.

        Returns:
            (list of names that are done, list of those that were there, list of (name, reason)).
        """
        folder = os.path.join(self.folder, str(number))
        os.mkdir(folder)
        jobs, there, failed = {}, [], []
        with concurrent.futures.ThreadPoolExecutor(TRANSFERS) as threads:
            futures = [threads.submit(self.bring, picture, os.path.join(folder, str(index)))
                       for index, picture in enumerate(pictures)]
        for picture, future in zip(pictures, futures):
            try:
                job = future.result()
            except Exception as error:
                failed.append((picture.name, pipeline.reason(self.named(picture), error)))
            else:
                if job is None:
                    there.append(picture.name)
                else:
                    jobs[job] = picture
        self.ahead[number] = jobs
        return (there, [], failed) if again else ([], there, failed)

    def named(self, picture):
        """The job of a picture as a person calls it."""
        return pipeline.Job(self.source.full(picture.name), self.output.full(picture.target))

    def bring(self, picture, stem):
        """The files that a picture is read from and written to: Job, or None where its result is there."""
        named = self.named(picture)
        if not self.work.overwrite and self.output.exists(picture.target):
            return None
        job = named
        if not self.source.is_local:
            job = job._replace(source=stem + os.path.splitext(picture.name)[1])
            self.source.fetch(picture.name, job.source)
        if not self.output.is_local:
            job = job._replace(target=stem + '_' + os.path.splitext(picture.target)[1])
        elif os.path.exists(job.target) and os.path.samefile(job.source, job.target):
            raise UserError('%s: its result would take the place of it; name another --output' % job.source)
        return job

    def paint(self, number):
        """Restyles a group that is prepared: (list of (name, reason or None), list of notes)."""
        jobs, ended, notes = self.ahead.pop(number), [], []

        def as_named(job, line):
            for path, name in zip(job, self.named(jobs[job])):
                line = line.replace(path, name)
            return line

        def on_end(job, error):
            ended.append((jobs[job].name, error and as_named(job, error)))
        if self.work.films:
            self.paint_films(jobs, on_end, lambda job, note: notes.append(as_named(job, note)))
        else:
            ways = ends.FileEnds if self.output.is_local else StoreEnds(self.output, jobs)
            pipeline.Pipeline(self.stylizer, self.work.options, self.max_memory, on_end,
                              lambda job, done, total: None, ways).run(list(jobs))
        shutil.rmtree(os.path.join(self.folder, str(number)), ignore_errors=True)
        return ended, notes

    def paint_films(self, jobs, on_end, on_note):
        """Restyles films one after the other; one that was begun on another machine goes on.

        Args:
            jobs: dict of Job -> listing.Picture.
            on_end: called with each job and its error, or None.
            on_note: called with a job and a line that is worth a word.
        """
        from resnet_in_tf.video import films
        picture, work = self.work.options, self.work
        options = films.Options(picture.style_weights, picture.keep_color, picture.quality, picture.exact,
                                work.overwrite, self.max_memory, brush=picture.brush, match=picture.match,
                                **work.films)
        for job in jobs:
            error = None
            try:
                films.stylize_film(self.stylizer, job.source, job.target, options,
                                   on_note=functools.partial(on_note, job))
                if not self.output.is_local:
                    self.output.store(job.target, jobs[job].target)
            except Exception as problem:
                error = pipeline.reason(job, problem)
            on_end(job, error)

    def close(self):
        """Gives back what it holds."""
        self.stylizer.close()
        self.tidying.close()


class StoreEnds(ends.FileEnds):
    """From files to a place elsewhere: a result is sent by the thread that has written it.

    Args:
        output: places.Bucket.
        pictures: dict of Job -> listing.Picture.
    """

    def __init__(self, output, pictures):
        self.output, self.pictures = output, pictures

    def write(self, job, painted, alpha, quality):
        """Takes a job's result, as FileEnds.write, and sends it."""
        super().write(job, painted, alpha, quality)
        self.send(job)

    @contextlib.contextmanager
    def open_sink(self, job, source, quality):
        """A result by rows, as FileEnds.open_sink; it is sent when the block has ended well."""
        with super().open_sink(job, source, quality) as sink:
            yield sink
        self.send(job)

    def send(self, job):
        """Sends a result, and removes the file."""
        self.output.store(job.target, self.pictures[job].target)
        os.remove(job.target)
