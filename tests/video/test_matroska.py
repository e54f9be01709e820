"""Encoded pictures with other times: what ffmpeg wrote is read, and what is written ffmpeg reads."""

import io

import pytest
from film_files import make, pictures, times

from resnet_in_tf.video import ffmpeg, matroska


@pytest.mark.parametrize('codec', ['libx264', 'libvpx-vp9'])
def test_pictures_keep_their_bytes_and_get_their_times(tmp_path, codec):
    path = make(tmp_path / 'a.mkv', sound=0, flags=['-c:v', codec, '-pix_fmt', 'yuv420p', '-bf', '0'])
    with open(path, 'rb') as file:
        tracks, *found = matroska.read(file)
    assert len(found) == 10 and found[0].is_key and not found[1].is_key
    wanted = [number ** 2 * 40 for number in range(10)]  # ms
    stream = matroska.stream_head(tracks) + b''.join(
        matroska.timed(picture, time * 10 ** 6, 10 ** 6) for picture, time in zip(found, wanted))
    (tmp_path / 'b.mkv').write_bytes(stream)
    new = str(tmp_path / 'c.mkv')
    assert ffmpeg.run(['-i', tmp_path / 'b.mkv', '-c', 'copy', new])[0] == 0
    assert times(new) == wanted and pictures(new) == pictures(path)


def test_what_is_cut_short_or_something_else_is_told(tmp_path):
    with open(make(tmp_path / 'a.mkv', sound=0, flags=['-c:v', 'libx264']), 'rb') as file:
        data = file.read()
    with pytest.raises(ValueError, match='cut short'):
        list(matroska.read(io.BytesIO(data[:len(data) // 2])))
    with pytest.raises(ValueError, match='no Matroska'):
        list(matroska.read(io.BytesIO(b'\x00' + data)))
