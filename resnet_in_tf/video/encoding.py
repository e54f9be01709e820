"""Frames into a film: a segment at a time, then all segments in one container, with the film's own sound."""

import collections
import os

from resnet_in_tf.errors import UserError
from resnet_in_tf.video import ffmpeg, matroska

Format = collections.namedtuple('Format', 'muxer codec flags')

TO_YUV = 'scale=out_color_matrix=bt709:out_range=tv:flags=' + ffmpeg.SCALING + (
    ',format=%s,setparams=color_primaries=bt709:color_trc=bt709,setsar=%s')
TAGS = ['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv']
WEB = ['-movflags', '+faststart', '-strict', 'experimental']  # plays while it loads; FLAC and Opus, too
FORMATS = {
    '.mp4': Format('mp4', 'h264', WEB),
    '.m4v': Format('mp4', 'h264', WEB),
    '.mov': Format('mov', 'h264', WEB),
    '.mkv': Format('matroska', 'h264', []),
    '.webm': Format('webm', 'vp9', []),
    '.gif': Format('gif', 'lossless', ['-loop', '0']),
}
ENDINGS = ' '.join(sorted(FORMATS))
# Each frame has its own 256 colours.
PALETTE = '[0:v]split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1'
SMALLEST_SCALE = 10000  # ticks a second of a track in MP4, at least


def format_of(path):
    """The Format that a film's name tells, or None."""
    return FORMATS.get(os.path.splitext(path)[1].lower())


def h264(film, quality):
    # Without frames that are coded after a later one: the time of a frame is then all that there is to keep.
    # 4:2:0 needs even sides.
    pixels = 'yuv444p' if film.width % 2 or film.height % 2 else 'yuv420p'
    return ['-vf', TO_YUV % (pixels, film.aspect), '-c:v', 'libx264', '-preset', 'medium', '-bf', '0', '-crf',
            round(15 + (100 - quality) * 0.36)] + TAGS


def vp9(film, quality):
    return ['-vf', TO_YUV % ('yuv420p', film.aspect), '-c:v', 'libvpx-vp9', '-b:v', '0', '-row-mt', '1',
            '-deadline', 'good', '-cpu-used', '4', '-crf', round(18 + (100 - quality) * 0.45)] + TAGS


def lossless(film, quality):
    return ['-vf', 'format=rgb24,setsar=' + film.aspect, '-c:v', 'libx264rgb', '-preset', 'ultrafast',
            '-qp', '0', '-bf', '0']


CODECS = {'h264': h264, 'vp9': vp9, 'lossless': lossless}


def segment(path, film, quality, name):
    """Starts to encode a segment.

    Args:
        path: str, the Matroska file to write; its times are of no account.
        film: Film.
        quality: int, 1 to 100.
        name: str, the target, which tells the codec and is named in errors.

    Returns:
        ffmpeg.Sink that takes frames, uint8 [H, W, 3].
    """
    arguments = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', '%dx%d' % (film.width, film.height),
                 '-framerate', '%d/%d' % (film.rate.numerator, film.rate.denominator), '-i', 'pipe:0']
    arguments += CODECS[format_of(name).codec](film, quality)
    return ffmpeg.Sink(arguments + ['-fflags', '+bitexact', '-f', 'matroska', path], name)


def check_sound(film, target, path):
    """Sees whether the target's container holds the film's sound as it is.

    Args:
        film: Film.
        target: str.
        path: str, a file that may be written to try.

    Returns:
        str or None, a note where sound is left out.

    Raises:
        UserError: it does not.
    """
    if not film.sounds:
        return None
    format_ = format_of(target)
    if format_.muxer == 'gif':
        return '%s: a GIF has no sound; that of %s is left out' % (target, film.path)
    arguments = ['-map', '0:a', '-c', 'copy', '-t', '0.5'] + format_.flags + ['-f', format_.muxer, path]
    status, text = ffmpeg.run(ffmpeg.opened(film.path) + arguments)
    if os.path.exists(path):
        os.remove(path)
    if status:
        raise UserError('--output %s: cannot hold the sound of %s as it is (%s): %s; name a .mkv' % (
            target, film.path, ', '.join(film.sounds), ffmpeg.complaint(text, status)))
    return None


def join(path, film, segments, target):
    """Puts segments into one film, with the sound of the source.

    Args:
        path: str, the file to write.
        film: Film; a folder has no sound.
        segments: list of (path, list of int, times in ticks) in order.
        target: str, which tells the container and is named in errors.

    Raises:
        UserError: it cannot be written, or a segment is damaged.
    """
    format_, source = format_of(target), os.path.isfile(film.path)
    first = segments[0][1][0]
    arguments = ['-itsoffset', '%.6f' % (first * film.time_base), '-f', 'matroska', '-i', 'pipe:0']
    if source:
        arguments += ffmpeg.opened(film.path)
    if format_.muxer == 'gif':
        arguments += ['-filter_complex', PALETTE] + ffmpeg.keep_times()
    else:
        arguments += ['-map', '0:v', '-c', 'copy', '-video_track_timescale', timescale(film)]
        if source:
            arguments += ['-map', '1:a?', '-map_metadata', '1', '-map_chapters', '1']
    sink = ffmpeg.Sink(arguments + format_.flags + ['-f', format_.muxer, path], target)
    try:
        write_pictures(sink, film, segments)
        sink.finish()
    finally:
        sink.close()


def timescale(film):
    """Ticks a second for an MP4 track that hold every time of the film exactly."""
    scale = film.time_base.denominator
    return scale * -(-SMALLEST_SCALE // scale)


def write_pictures(sink, film, segments):
    """Writes the pictures of all segments as one stream, each with its time."""
    first, tracks = segments[0][1][0], None

    def nanoseconds(time):
        return round((time - first) * film.time_base * matroska.SECOND)

    for number, (path, times) in enumerate(segments):
        after = segments[number + 1][1][0] if number + 1 < len(segments) else times[-1] + film.last_duration
        spans = iter(zip(times, times[1:] + [after]))
        try:
            with open(path, 'rb') as file:
                pictures = matroska.read(file)
                found = next(pictures)
                if tracks is None:
                    tracks = found
                    sink.write(matroska.stream_head(tracks))
                elif found != tracks:
                    raise ValueError('is encoded differently from the first')
                for picture in pictures:
                    start, stop = map(nanoseconds, next(spans))
                    sink.write(matroska.timed(picture, start, stop - start))
            if next(spans, None):
                raise ValueError('cut short')
        except (ValueError, OSError, StopIteration) as error:
            raise UserError('%s: is damaged (%s); remove it, and the same command makes it again'
                            % (path, error or 'frames are missing or too many')) from error
