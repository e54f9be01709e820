"""Many pictures through one network: where each result goes, what is skipped, what failed."""

import collections
import glob
import os

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import pipeline

Job = collections.namedtuple('Job', 'source target')
Summary = collections.namedtuple('Summary', 'done skipped failed')

# Formats that a restyled picture would suffer in: a palette, or first frames of a film.
WRITTEN_AS = {'.gif': '.png'}


def plan(source, output):
    """Pairs each picture with the file that its result goes to.

    Args:
        source: a file, a folder (with its sub-folders) or a pattern.
        output: a file for a single picture; else a folder, in which sub-folders are kept.

    Returns:
        List of Job.

    Raises:
        UserError: nothing to do, or two pictures would become one file.
    """
    pictures = images.list_pictures(source)
    if os.path.isdir(source) and os.path.abspath(output) != os.path.abspath(source):
        results = os.path.join(os.path.abspath(output), '')  # may lie in the folder, from before
        pictures = [path for path in pictures if not os.path.abspath(path).startswith(results)]
    single = len(pictures) == 1 and os.path.isfile(source)
    to_file = os.path.splitext(output)[1].lower() in images.EXTENSIONS and not os.path.isdir(output)
    if to_file and not single:
        raise UserError('--output %s: %d pictures need a folder, not a file'
                        % (output, len(pictures)))
    if to_file:
        return [Job(pictures[0], output)]
    root = source if os.path.isdir(source) else os.path.dirname(plain_part(source))
    jobs, taken = [], {}
    for picture in pictures:
        stem, extension = os.path.splitext(os.path.relpath(picture, root or '.'))
        extension = WRITTEN_AS.get(extension.lower(), extension)
        if extension.lower() not in images.EXTENSIONS:
            extension = '.png'
        target = os.path.join(output, stem + extension)
        if target in taken:
            raise UserError('%s and %s would both become %s; rename one'
                            % (taken[target], picture, target))
        taken[target] = picture
        jobs.append(Job(picture, target))
    return jobs


def plain_part(pattern):
    """A pattern's path up to its first wildcard."""
    if not glob.has_magic(pattern) or os.path.exists(pattern):
        return pattern
    kept = []
    for part in pattern.split(os.sep):
        if glob.has_magic(part):
            break
        kept.append(part)
    return os.path.join(os.sep if pattern.startswith(os.sep) else '', *(kept + ['']))


def stylize_files(stylizer, jobs, style_weights, keep_color=False, overwrite=False, quality=95,
                  on_job=lambda job, error: None, max_memory=None, exact=False,
                  on_tile=lambda job, done, total: None):
    """Restyles files, several at a time; one that fails does not stop the rest.

    Args:
        stylizer: Stylizer.
        jobs: list of Job.
        style_weights: float32 [S].
        keep_color: whether the photo's colours are kept.
        overwrite: whether a result that exists is made again.
        quality: of JPEG and WebP, 1 to 100.
        on_job: called after each job with its error, or None; not in the order of `jobs`.
        max_memory: int, bytes that the process may hold, None for most of what is free; a picture
            that needs more is run in tiles.
        exact: whether tiles use true statistics, slower and with features on disk.
        on_tile: called after each tile of a large picture with the job, how many are done, and of
            how many.

    Returns:
        Summary: jobs done, jobs skipped, and (job, reason) for those that failed, each in the
        order of `jobs`.
    """
    todo, skipped, ended = [], [], {}
    for job in jobs:
        if os.path.exists(job.target) and not overwrite:
            skipped.append(job)
            on_job(job, None)
        else:
            todo.append(job)

    def on_end(job, error):
        ended[job] = error
        on_job(job, error)

    options = pipeline.Options(style_weights, keep_color, quality, exact)
    pipeline.Pipeline(stylizer, options, max_memory or memory.limit_by_default(), on_end,
                      on_tile).run(todo)
    return Summary([job for job in todo if ended[job] is None], skipped,
                   [(job, ended[job]) for job in todo if ended[job] is not None])
