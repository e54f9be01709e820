"""A film restyled from file to file: decoding, network and encoding side by side, segment by segment."""

import collections
import contextlib
import hashlib
import itertools
import os

import numpy as np

from resnet_in_tf import files, memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.finishing import Finish
from resnet_in_tf.restyling import batch, ends
from resnet_in_tf.video import decoding, encoding, ffmpeg, flow, parts, probing, results
from resnet_in_tf.video.painting import Painter

SEGMENT = 48  # frames: what a kill can cost
STATE = '.steady.npz'  # in a folder of frames, until all are there
STATE_EVERY = 12  # frames
SAMPLE = 2 ** 20  # bytes at either end of a film by which it is known again

Options = collections.namedtuple(
    'Options', 'style_weights keep_color quality exact overwrite max_memory frame_rate steady brush match')
Options.__new__.__defaults__ = (25.0, results.FLOW, None, None)


def stylize_film(stylizer, source, output, options, others=(), on_start=lambda total, done: None,
                 on_frame=lambda: None, on_note=lambda line: None):
    """Restyles a film, or goes on where a killed run stopped.

    Args:
        stylizer: Stylizer.
        source: str, a film or a folder of numbered pictures.
        output: str, a film or a folder for frames.
        options: Options; `frame_rate` is that of a folder, `steady` a value of results.STEADY.
        others: paths of further files that the result may not replace.
        on_start: called once with how many frames there are, and how many are done already.
        on_frame: called after each frame.
        on_note: called with each line that is worth a word.

    Returns:
        bool, whether there was anything to do.

    Raises:
        UserError: the film cannot be read or written.
    """
    to_film = encoding.format_of(output) and not os.path.isdir(output)
    if options.steady == results.FLOW:
        flow.opencv()
    batch.check_sources_stay([batch.Job(source, output)], output, others)
    if to_film and os.path.exists(output) and not options.overwrite:
        parts.Parts.remove_published(output)
        return False
    reader = decoding.Folder(source, options.frame_rate) if os.path.isdir(source) else decoding.Decoder(
        probing.probe(source))
    painter = Painter(stylizer, options.style_weights, reader.film,
                      options.max_memory or memory.limit_by_default(), options.exact,
                      Finish(options.keep_color, options.brush, options.match),
                      options.steady != results.NONE)
    with contextlib.closing(painter):
        run = to_container if to_film else to_folder
        return run(reader, painter, output, options, on_start, on_frame, on_note)


def to_container(reader, painter, output, options, on_start, on_frame, on_note):
    """Restyles into one film; arguments as `stylize_film`. True."""
    film = reader.film
    ends.make_folder(output)
    with contextlib.closing(parts.Parts(output, record(film, painter.stylizer, output, options),
                                        options.overwrite)) as made:
        note = encoding.check_sound(film, output, made.temporary())
        if note:
            on_note(note)
        on_start(film.packets, made.frames)
        if made.end is None:
            last = made.segments[-1][1][-1] if made.segments else None
            frames = results.paint(reader, painter, made.frames, last, results.of_arrays(made.state),
                                   options.steady)
            with contextlib.closing(frames):
                while encode_segment(made, film, frames, options, output, on_frame):
                    pass
            made.finish({'problem': reader.problem})
        if not made.segments:
            raise UserError('%s: has no frames' % film.path)
        if made.end['problem']:
            on_note(damaged(film, made.end['problem'], made.frames))
        joined = made.temporary()
        encoding.join(joined, film, made.segments, output)
        made.publish(joined)
    return True


def encode_segment(made, film, frames, options, output, on_frame):
    """Encodes the next frames as one segment; whether there were any."""
    first = next(frames, None)
    if first is None:
        return False
    temporary, times = made.temporary(), []
    sink = encoding.segment(temporary, film, options.quality, output)
    try:
        for pixels, time, after in itertools.chain([first], itertools.islice(frames, SEGMENT - 1)):
            sink.write(np.ascontiguousarray(pixels))
            times.append(time)
            state = after
            on_frame()
        sink.finish()
    finally:
        sink.close()
    made.add(temporary, times, None if options.steady == results.NONE else results.to_arrays(state))
    return True


def to_folder(reader, painter, output, options, on_start, on_frame, on_note):
    """Restyles into a folder of numbered pictures; arguments as `stylize_film`. Whether any was missing."""
    def path(number):
        return os.path.join(output, '%06d.png' % (number + 1))

    ends.make_folder(path(0))
    files.remove_leftovers(output)
    there = 0
    while not options.overwrite and os.path.exists(path(there)):
        there += 1
    done, state = continued(output, there, path) if options.steady != results.NONE else (there, None)
    on_start(reader.film.packets, done)
    number = done
    with contextlib.closing(results.paint(reader, painter, done, None, state, options.steady)) as frames:
        for pixels, _, state in frames:
            if options.overwrite or not os.path.exists(path(number)):
                images.write(path(number), pixels)
            number += 1
            if options.steady != results.NONE and number % STATE_EVERY == 0:
                # The result is there as a picture.
                parts.store_arrays(os.path.join(output, STATE), [np.int64(number)] + results.to_arrays(
                    state._replace(result=None)))
            on_frame()
    if os.path.exists(os.path.join(output, STATE)):
        os.remove(os.path.join(output, STATE))
    if reader.problem:
        on_note(damaged(reader.film, reader.problem, number))
    if os.path.exists(path(number)):
        on_note('%s: was there before, and so may others behind it; this film ends with %s' % (
            path(number), os.path.basename(path(number - 1))))
    return number > there


def continued(output, there, path):
    """Where a folder of frames is gone on with: (int, frames that are done, State of the last or None).

    Args:
        output: str.
        there: int, frames that are there.
        path: function of a frame's number that gives its file.
    """
    arrays = parts.load_arrays(os.path.join(output, STATE))
    if arrays and arrays[0] <= there:
        there, state = int(arrays[0]), results.of_arrays(arrays[1:])
    else:
        state = results.State(None, None)
    return there, state._replace(result=images.read(path(there - 1))) if there else None


def damaged(film, problem, frames):
    """A note on a film that was not read as it should be."""
    return '%s: is damaged or cut short (%s); the %d frames that can be read are done' % (
        film.path, problem, frames)


def record(film, stylizer, output, options):
    """All that the frames of a result depend on: dict for Parts, its keys as a message names them."""
    def digest(*parts):
        joined = hashlib.sha256()
        for part in parts:
            joined.update(part)
        return joined.hexdigest()

    if os.path.isdir(film.path):
        content = [('%s %d\n' % (path, os.path.getsize(path))).encode('utf-8', 'surrogateescape')
                   for path in images.list_pictures(film.path)]
    else:
        size = os.path.getsize(film.path)
        with open(film.path, 'rb') as file:
            content = [b'%d' % size, file.read(SAMPLE)]
            file.seek(max(0, size - SAMPLE))
            content.append(file.read(SAMPLE))
    with open(stylizer.model, 'rb') as file:
        model = digest(file.read())
    return {'--input': digest(*content), '--model': model,
            'style or strength': digest(options.style_weights.tobytes()),
            '--preserve_color': options.keep_color, '--brush': str(options.brush),
            '--match_color': digest(repr(options.match).encode()), '--quality': options.quality,
            '--exact': options.exact, '--engine': stylizer.engine.name,
            '--precision': stylizer.engine.precision.name,
            '--frame_rate': str(film.rate), 'ffmpeg': ffmpeg.version(),
            '--steady': options.steady,
            'OpenCV': flow.opencv().__version__ if options.steady == results.FLOW else None,
            'ending of --output': os.path.splitext(output)[1].lower()}
