"""ffmpeg, which imageio-ffmpeg brings along: a process each for decoding, encoding and joining."""

import collections
import contextlib
import functools
import os
import re
import subprocess
import tempfile
import threading

from resnet_in_tf.errors import UserError

# What may be opened. A playlist that calls itself clip.mp4 would read other files and addresses. MPEG streams
# and Ogg are not among them: ffmpeg counts their times from the first stream that is asked for, so sound that
# begins later than the pictures would come too early.
DEMUXERS = 'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,flv,asf'
GUARDS = ['-protocol_whitelist', 'file', '-format_whitelist', DEMUXERS]
REASON = 200  # characters
SCALING = 'bicubic+accurate_rnd+full_chroma_int'


@functools.lru_cache(maxsize=None)
def program():
    """Path of ffmpeg.

    Raises:
        UserError: imageio-ffmpeg is not installed, or has no ffmpeg for this machine.
    """
    try:
        import imageio_ffmpeg
        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise UserError("films need ffmpeg: pip install 'resnet_in_tf[video]' brings it (%s)"
                        % error) from error


@functools.lru_cache(maxsize=None)
def version():
    """The first line that ffmpeg says of itself."""
    return subprocess.check_output([program(), '-version'], stdin=subprocess.DEVNULL).decode(
        'utf-8', 'replace').split('\n')[0].strip()


def keep_times():
    """The flags that have frames pass with their own times; the name changed with ffmpeg 5.1."""
    major = re.search(r'version \D*(\d+)\.', version())
    return ['-vsync', '0'] if major and int(major.group(1)) < 6 else ['-fps_mode', 'passthrough']


def opened(path):
    """The flags that open a film, whatever its name looks like."""
    return GUARDS + ['-i', 'file:' + os.path.abspath(path)]


def command(arguments, level='level+error'):
    """A command line of ffmpeg that asks nothing and replaces its output."""
    return [program(), '-hide_banner', '-nostdin', '-y', '-v', level] + [str(each) for each in arguments]


def run(arguments, level='level+error'):
    """Runs ffmpeg to its end.

    Returns:
        (int status, str of stderr).
    """
    ended = subprocess.run(command(arguments, level), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE)
    return ended.returncode, ended.stderr.decode('utf-8', 'replace')


def lines_of(arguments, said):
    """Runs ffmpeg and gives the lines of its stdout as they come: str, never all in memory.

    Args:
        arguments: list.
        said: list; it gets the last lines of stderr once ffmpeg has ended.
    """
    process = subprocess.Popen(command(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    with ending(process):
        heard = Listener(process.stderr)
        for line in process.stdout:
            yield line.decode('utf-8', 'replace')
        said += heard.text().splitlines()


def complaint(text, status=0):
    """The first line of ffmpeg's stderr that says what is wrong, without the part that says who says it.

    Args:
        text: str, of stderr.
        status: int, how ffmpeg ended; less than zero for a signal.
    """
    lines = [re.sub(r'^(\[[^]]*\] *)+', '', line).strip() for line in text.splitlines()
             if re.search(r'\[(error|fatal|panic)\]', line)]
    lines = [re.sub(r'file:\S+: ', '', line) for line in lines if line]
    if lines:
        return lines[0][:REASON]
    return 'ffmpeg crashed on it, with signal %d' % -status if status < 0 else 'ffmpeg does not say why'


def is_of_demuxer(line):
    """Whether a line of ffmpeg's stderr is of what reads the film's file: '[mov,mp4,... @ 0x...] ...'."""
    return bool(re.match(r'\[(in#0/)?(%s)\b[^]]*@' % DEMUXERS.replace(',', '|'), line))


@contextlib.contextmanager
def ending(process):
    """Sees to it that a process is gone when the block ends, however it does."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                with contextlib.suppress(OSError):  # what was buffered for a process that is gone
                    stream.close()


class Listener:
    """Reads a process's stderr while it runs.

    Args:
        stream: binary file.
        on_line: called in a thread with each line, str; what it answers True to is not kept.

    Attributes:
        kept: deque of the last lines that were kept.
    """

    def __init__(self, stream, on_line=lambda line: False):
        self.stream, self.on_line = stream, on_line
        self.kept = collections.deque(maxlen=50)
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        with contextlib.suppress(ValueError, OSError):  # the stream was closed at the end
            for line in self.stream:
                line = line.decode('utf-8', 'replace').rstrip()
                if not self.on_line(line):
                    self.kept.append(line)

    def text(self):
        """What was kept, once the process has ended."""
        self.thread.join(10)
        return '\n'.join(self.kept)


class Sink:
    """A process of ffmpeg that is written to.

    Args:
        arguments: list, of ffmpeg; its input is `pipe:0`.
        name: str that an error names.
    """

    def __init__(self, arguments, name):
        self.name = name
        self.messages = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command(arguments), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                        stderr=self.messages)

    def write(self, data):
        """Takes bytes, or an array; UserError where ffmpeg has ended."""
        try:
            self.process.stdin.write(data)
        except (BrokenPipeError, OSError):
            self.finish()
            raise UserError('%s: ffmpeg ended early' % self.name) from None

    def finish(self):
        """Waits until ffmpeg has written everything; UserError where it could not."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        status = self.process.wait()
        self.messages.seek(0)
        text = self.messages.read().decode('utf-8', 'replace')
        if status:
            raise UserError('%s: cannot be written (%s)' % (self.name, complaint(text, status)))

    def close(self):
        """Ends ffmpeg, whatever it still has to do."""
        with ending(self.process):
            pass
        self.messages.close()
