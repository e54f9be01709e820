"""A restyled film in Chromium: it plays to its end, and its sound is where it was."""

import functools
import http.server
import threading

import browsing  # noqa: F401  # skips these tests where there is no Chromium
import film_files  # noqa: F401  # likewise ffmpeg
import pytest
import running

from resnet_in_tf.video import ffmpeg

SECONDS, SIZE, RATE = 2, '64x36', 25
LIGHT = SECONDS / 2  # seconds from which the film is light, and has its tone

# What the browser makes of a film: size and length, where it ends, brightness before and after LIGHT, and the
# second at which its sound becomes loud.
PLAY = """
const [address, light, done] = arguments;
const fail = error => done({error: String(error)});
const once = (target, name) => new Promise((resolve, reject) => {
  target.addEventListener(name, resolve, {once: true});
  target.addEventListener('error', () => reject(target.error && target.error.message), {once: true});
});
(async () => {
  const video = document.createElement('video');
  const film = await (await fetch(address)).blob();  // Python's server gives no parts of files to seek in
  video.src = URL.createObjectURL(film);
  await once(video, 'loadeddata');
  const canvas = Object.assign(document.createElement('canvas'), {width: 8, height: 8});
  const context = canvas.getContext('2d');
  const brightness = async time => {
    video.currentTime = time;
    await once(video, 'seeked');
    context.drawImage(video, 0, 0, 8, 8);
    return context.getImageData(0, 0, 8, 8).data.reduce((sum, value) => sum + value, 0) / 256;
  };
  const seen = [await brightness(light - 0.1), await brightness(light + 0.1)];
  const audio = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(await film.arrayBuffer());
  const samples = audio.getChannelData(0);
  const loud = samples.findIndex(value => Math.abs(value) > 0.02) / audio.sampleRate;
  video.currentTime = 0;
  await once(video, 'seeked');
  video.playbackRate = 1;
  await video.play();
  await once(video, 'ended');
  done({width: video.videoWidth, height: video.videoHeight, length: video.duration, ended: video.currentTime,
        heard: video.webkitAudioDecodedByteCount, sound: audio.duration, loud, seen});
})().catch(fail);
"""


@pytest.fixture(scope='module')
def films(tiny, tmp_path_factory):
    """A folder with films that become light and loud at once, restyled."""
    folder = tmp_path_factory.mktemp('seen')
    source = ['-f', 'lavfi', '-i', 'testsrc2=s=%s:r=%d:d=%d' % (SIZE, RATE, SECONDS),
              '-f', 'lavfi', '-i', 'sine=440:d=%d' % LIGHT, '-filter_complex',
              "[0:v]eq=brightness='if(lt(t,%g),-0.6,0.6)':eval=frame[v];[1:a]adelay=%d,apad[a]" % (
                  LIGHT, 1000 * LIGHT), '-map', '[v]', '-map', '[a]', '-t', str(SECONDS)]
    codecs = {'mp4': ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
              'webm': ['-c:v', 'libvpx-vp9', '-c:a', 'libopus']}
    commands = []
    for ending, flags in codecs.items():
        path = str(folder / ('film.' + ending))
        status, text = ffmpeg.run(source + flags + [path])
        assert not status, text
        commands.append(['stylize.py', '--model', tiny, '--strength=0', '--input', path,
                         '--output', str(folder / ('new.' + ending))])  # at 0 what is light stays light
    for result in running.many(commands):
        assert result.returncode == 0, result.stderr
    return folder


@pytest.mark.parametrize('ending', ['mp4', 'webm'])
def test_a_restyled_film_plays_with_its_sound_in_place(films, browser, ending):
    class Files(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path):
            return str(films / path.strip('/'))

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Files)
    threading.Thread(target=functools.partial(server.serve_forever, 0.05), daemon=True).start()
    address = 'http://127.0.0.1:%d/' % server.server_port
    try:
        (films / 'index.html').write_text('<!doctype html><title>film</title>')
        browser.get(address + 'index.html')
        found = browser.execute_async_script(PLAY, address + 'new.' + ending, LIGHT)
    finally:
        server.shutdown()
        server.server_close()
    assert 'error' not in found, found
    assert '%(width)dx%(height)d' % found == SIZE and found['heard'] > 0
    assert found['length'] == pytest.approx(SECONDS, abs=0.1) and found['ended'] >= SECONDS - 0.1
    assert found['sound'] == pytest.approx(SECONDS, abs=0.1)
    assert found['loud'] == pytest.approx(LIGHT, abs=0.06)  # codecs begin a packet early
    assert found['seen'][1] - found['seen'][0] > 50, found
