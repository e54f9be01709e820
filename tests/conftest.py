"""Fixtures that every test file shares."""

import collections
import os

import pytest
import running
from made_once import made_once

from resnet_in_tf import lanes, memory
from resnet_in_tf.errors import UserError

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_SHARED_DATA = os.environ.get('RESNET_SHARED_DATA') or os.path.join(
    os.path.dirname(_ROOT), 'shared', 'data')


def pytest_terminal_summary(terminalreporter):
    skipped = [report for report in terminalreporter.stats.get('skipped', [])
               if _SHARED_DATA in str(report.longrepr)]
    if skipped:
        terminalreporter.section('tests without their data')
        terminalreporter.line('{} tests were SKIPPED: they need the folder {}, which is not here '
                              '(RESNET_SHARED_DATA says where it is)'.format(
                                  len(skipped), _SHARED_DATA))


def needs_tensorflow(error):
    """Whether a test ended for want of TensorFlow, in a lane that has none."""
    while error is not None and not lanes.has_tensorflow():
        if isinstance(error, ImportError) and (error.name or '').split('.')[0] in lanes.OF_TENSORFLOW:
            return True
        if isinstance(error, UserError) and lanes.NEEDED in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def is_light(item):
    """Whether a test is one of those that must run where there is no TensorFlow."""
    return os.path.basename(os.path.dirname(str(item.fspath))) == 'light'


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Skips what needs TensorFlow where there is none, whichever test it is in."""
    report = (yield).get_result()
    if call.excinfo and not is_light(item) and needs_tensorflow(call.excinfo.value):
        report.outcome, report.longrepr = 'skipped', (str(item.fspath), None, 'Skipped: ' + lanes.NEEDED)


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector):
    """The same of a file of tests that imports TensorFlow itself."""
    report = (yield).get_result()
    missing = any("No module named '%s" % name in str(report.longrepr) for name in lanes.OF_TENSORFLOW)
    if report.outcome == 'failed' and missing and not is_light(collector) and not lanes.has_tensorflow():
        report.outcome, report.longrepr = 'skipped', (str(collector.fspath), None, 'Skipped: ' + lanes.NEEDED)


@pytest.fixture(scope='session')
def shared_data():
    """Returns the folder of test pictures; skips the test where it is absent."""
    if not os.path.isdir(_SHARED_DATA):
        pytest.skip('needs the folder {}, which is not here'.format(_SHARED_DATA))
    return _SHARED_DATA


@pytest.fixture
def machine_memory(monkeypatch):
    """Returns a function that makes the machine one with so many bytes available, in all, and of swap."""
    def give(available, total=None, swap=0):
        monkeypatch.setattr(memory, 'machine', lambda: [available, total or available, swap])
    return give


@pytest.fixture(scope='session')
def face():
    """Returns a real photo, uint8 [768, 1024, 3], read-only."""
    if lanes.has_tensorflow():
        import scipy.misc
        photo = scipy.misc.face().astype('uint8')
    else:  # the same photo, smaller
        from resnet_in_tf.pictures import images, sample
        photo = images.resize(sample.photo(), 1024, 768)
    photo.setflags(write=False)
    return photo


@pytest.fixture(scope='session')
def photo_folder(tmp_path_factory, face):
    """Returns a folder of 12 real photos, 96 pixels high."""
    from resnet_in_tf.pictures import images
    folder = tmp_path_factory.mktemp('face_photos')
    for number in range(12):
        top, left = 100 + 96 * (number // 4), 150 + 160 * (number % 4)
        images.write(str(folder / ('%02d.jpg' % number)), face[top:top + 96, left:left + 140])
    return str(folder)


@pytest.fixture(scope='session')
def paintings(tmp_path_factory):
    """Returns the paths of two paintings, 'waves.png' and 'tiles.jpg', strokes in few colours."""
    import numpy as np

    from resnet_in_tf.pictures import images
    folder = tmp_path_factory.mktemp('paintings')
    rows, columns = np.mgrid[:60, :80] / 6.0
    waves = np.sin(columns + 2 * np.sin(rows))[:, :, None] * [60, 20, -50] + [120, 90, 70]
    tiles = (np.floor(rows / 2) + np.floor(columns / 2))[:, :, None] % 2 * [40, 190, 20] + [30, 20, 150]
    paths = [str(folder / 'waves.png'), str(folder / 'tiles.jpg')]
    for path, painting in zip(paths, (waves, tiles)):
        images.write(path, painting)
    return paths


TinyRun = collections.namedtuple('TinyRun', 'command model_dir output')


@pytest.fixture(scope='session')
def tiny_run(request, tmp_path_factory, photo_folder, paintings):
    """Returns a run of the real train.py: two styles, 24 steps; its command and what it printed."""
    def make(folder):
        model_dir = str(folder / 'run')
        command = running.tiny_training(paintings, photo_folder, model_dir, train_steps=24,
                                        save_steps=10, learning_rate=0.005)
        result = running.script('train.py', *command)
        assert result.returncode == 0, result.stderr
        return [command, model_dir, result.stdout]
    return TinyRun(*made_once(request, tmp_path_factory, 'tiny', make))


@pytest.fixture(scope='session')
def tiny_model(request, tmp_path_factory, tiny_run):
    """Returns the path of `tiny_run` as freeze_graph.py wrote it."""
    def make(folder):
        path = str(folder / 'tiny.pb')
        result = running.script('freeze_graph.py', '--model_dir', tiny_run.model_dir, '--output', path)
        assert result.returncode == 0, result.stderr
        return path
    return made_once(request, tmp_path_factory, 'frozen', make)


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    """Returns a real Chromium; test files that import `browsing` are skipped where there is none."""
    from browsing import start_browser
    browser = start_browser(tmp_path_factory)
    yield browser
    browser.quit()


@pytest.fixture(scope='module')
def photo_path(tmp_path_factory, face):
    """Returns the path of a photo of 200x150 pixels, with a blank in its name."""
    from resnet_in_tf.pictures import images
    path = str(tmp_path_factory.mktemp('photos') / 'my photo.png')
    images.write(path, images.resize(face, 200, 150))
    return path
