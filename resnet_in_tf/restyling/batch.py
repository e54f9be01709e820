"""Many pictures through one network: where each result goes, what is skipped, what failed."""

import collections
import json
import os
import re

from resnet_in_tf import files, memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import pipeline
from resnet_in_tf.restyling.pipeline import Job

Plan = collections.namedtuple('Plan', 'jobs failed notes')
Summary = collections.namedtuple('Summary', 'done skipped failed')

# Formats that a restyled picture would suffer in: a palette, or first frames of a film.
WRITTEN_AS = {'.gif': '.png'}
LONGEST_LABEL = 60  # characters of styles' names in the name of a file
ENDINGS = ' '.join(sorted(images.EXTENSIONS))


def plan(source, output, others=()):
    """Pairs each picture with the file that its result goes to.

    Two pictures that would become one file, a.png and a.gif, are told apart: the one that keeps its
    name has it, the other goes to a.gif.png.

    Args:
        source: a file, a folder (with its sub-folders) or a pattern.
        output: a file for a single picture; else a folder, in which sub-folders are kept. What lies
            in it from before is not restyled once more.
        others: paths of further files that no result may replace.

    Returns:
        Plan: list of Job; (Job, reason) for what cannot be done; lines that tell what was left out.

    Raises:
        UserError: nothing to do, a file where a folder is needed, or a result in the place of a
            picture that it is made from.
    """
    found = images.find_pictures(source)
    single = os.path.isfile(source)
    to_file = single and goes_to_file(output)
    check_output(output, single, len(found.pictures))
    if os.path.isdir(source) and os.path.isdir(output) and os.path.samefile(source, output):
        raise UserError('--output %s: is the folder of the pictures themselves; name another' % output)
    if to_file:
        jobs, clashes, notes = [Job(source, output)], [], []
    else:
        pictures, notes = without_results(found, output)
        jobs, clashes, renamed = targets(pictures, found.root, output)
        notes = found.notes + notes + renamed
    failed = [(Job(*problem), '%s: %s' % problem) for problem in found.unreadable] + clashes
    if not jobs:
        raise UserError(failed[0][1] if failed else
                        '%s: the only pictures here are results, in --output %s' % (source, output))
    check_sources_stay(jobs, output, others)
    return Plan(jobs, failed, notes)


def goes_to_file(output):
    """Whether the path after --output, for one picture, is a file's and not a folder's."""
    return os.path.splitext(output)[1].lower() in images.EXTENSIONS and not os.path.isdir(output)


def check_output(output, single, number):
    """UserError where --output can be neither the file nor the folder that it would have to be."""
    ending = os.path.splitext(output)[1]
    if os.path.isdir(output) or single and goes_to_file(output):
        return
    if os.path.lexists(output):
        raise UserError('--output %s: is there, and is no folder; name a folder%s' % (
            output, ', or a file that ends in ' + ENDINGS if single else ''))
    if single and ending:
        raise UserError('--output %s: no picture format ends in %s, use one of %s; for a folder '
                        'write %s%s' % (output, ending, ENDINGS, output, os.sep))
    if ending.lower() in images.EXTENSIONS:
        raise UserError('--output %s: %d pictures need a folder, not a file' % (output, number))


def without_results(found, output):
    """Leaves out the pictures below `output`, unless all that is searched lies there.

    Returns:
        (list of paths, list of notes).
    """
    results = os.path.join(os.path.realpath(output), '')

    def inside(folder):
        return os.path.join(os.path.realpath(folder), '').startswith(results)

    if inside(found.root or '.'):
        return found.pictures, []
    folders = {folder: inside(folder) for folder in {os.path.dirname(path) or '.' for path in found.pictures}}
    kept = [path for path in found.pictures if not folders[os.path.dirname(path) or '.']]
    number = len(found.pictures) - len(kept)
    if not number:
        return kept, []
    return kept, ['%s: %d picture%s left out as results, in --output %s'
                  % (found.root or '.', number, '' if number == 1 else 's', output)]


def targets(pictures, root, output):
    """Gives each picture a file below `output` that no other has.

    Returns:
        (list of Job, list of (Job, reason) for those that none is left for, list of notes).
    """
    def wanted(picture):
        stem, extension = os.path.splitext(os.path.relpath(picture, root or '.'))
        return stem, extension, written_as(extension)

    def place(target):  # two folders of --output may be one, by a link
        return os.path.join(os.path.realpath(os.path.dirname(target)), os.path.basename(target))

    jobs, failed, notes, taken = {}, [], [], {}
    for picture in sorted(pictures, key=lambda path: (wanted(path)[1] != wanted(path)[2], path)):
        stem, old, new = wanted(picture)
        names = [stem + new] + ([stem + old + new] if old != new else [])
        free = [name for name in names if place(os.path.join(output, name)) not in taken]
        target = os.path.join(output, (free or names)[0])
        other = taken.get(place(os.path.join(output, names[0])))
        if not free:
            failed.append((Job(picture, target), '%s and %s would both become %s; rename one'
                           % (other, picture, target)))
            continue
        if free != names:
            notes.append('%s goes to %s, as %s has the other name' % (picture, target, other))
        taken[place(target)] = picture
        jobs[picture] = Job(picture, target)
    return [jobs[picture] for picture in pictures if picture in jobs], failed, notes


def written_as(extension):
    """The ending of a result, for that of its picture."""
    new = WRITTEN_AS.get(extension.lower(), extension)
    return new if new.lower() in images.EXTENSIONS else '.png'


def check_alone(source):
    """Raises UserError where a source is no file, so that its results need a folder with a name."""
    found = images.find_pictures(source)
    if not os.path.isfile(source):
        raise UserError('--output is missing: name a folder for the results of %s, %d of them; that of one '
                        'file alone goes beside it' % (source, len(found.pictures)))


def beside(source, styles):
    """Where the result of one picture goes if nothing is said: 'photo_wave.jpg' beside 'photo.jpg'.

    Args:
        source: path of a file.
        styles: list of str, names of the styles that it is painted in.
    """
    stem, extension = os.path.splitext(source)
    label = re.sub(r'[\\/\0]', '_', '_'.join(styles))
    return '%s_%s%s' % (stem, label[:LONGEST_LABEL], written_as(extension))


def check_sources_stay(jobs, output, others=()):
    """UserError where a result would replace a picture, by whatever name or link."""
    def identity(path):
        try:
            status = os.stat(path)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    kept = {identity(path): path for path in [job.source for job in jobs] + list(others)}
    kept.pop(None, None)
    for job in jobs:
        if identity(job.target) in kept:
            raise UserError('--output %s: the result of %s would take the place of %s; name another '
                            'folder or file' % (output, job.source, kept[identity(job.target)]))


def is_to_do(job, overwrite):
    """Whether a result is made: it is not there, or is made again."""
    return overwrite or not os.path.exists(job.target)


def stylize_files(stylizer, jobs, style_weights, keep_color=False, overwrite=False, quality=95,
                  on_job=lambda job, error: None, max_memory=None, exact=False,
                  on_tile=lambda job, done, total: None, brush=None, match=None):
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
        brush: brush.Brush, or None.
        match: finishing.Match, or None.

    Returns:
        Summary: jobs done, jobs skipped, and (job, reason) for those that failed, each in the
        order of `jobs`.
    """
    for folder in sorted({os.path.dirname(os.path.realpath(job.target)) for job in jobs}):
        files.remove_leftovers(folder)
    todo, skipped, ended = [], [], {}
    for job in jobs:
        if is_to_do(job, overwrite):
            todo.append(job)
        else:
            skipped.append(job)
            on_job(job, None)

    def on_end(job, error):
        ended[job] = error
        on_job(job, error)

    options = pipeline.Options(style_weights, keep_color, quality, exact, brush, match)
    pipeline.Pipeline(stylizer, options, max_memory or memory.limit_by_default(), on_end,
                      on_tile).run(todo)
    return Summary([job for job in todo if ended[job] is None], skipped,
                   [(job, ended[job]) for job in todo if ended[job] is not None])


def as_json(plan_, summary, seconds, named=str):
    """What was done, for programs: str, one JSON document.

    Args:
        plan_: Plan.
        summary: Summary.
        seconds: float.
        named: function of each path and reason to what it is called.

    Returns:
        JSON of an object: done and skipped, lists of {input, output}; failed, a list of {input, output,
        reason}; notes, a list of str; seconds.
    """
    def pair(job, **more):
        return dict({'input': named(job.source), 'output': named(job.target)}, **more)

    return json.dumps({
        'done': [pair(job) for job in summary.done],
        'skipped': [pair(job) for job in summary.skipped],
        'failed': [pair(job, reason=named(' '.join(reason.split())))
                   for job, reason in plan_.failed + summary.failed],
        'notes': [named(note) for note in plan_.notes],
        'seconds': round(seconds, 3)}, indent=2)
