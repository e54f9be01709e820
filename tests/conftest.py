"""Fixtures that every test file shares."""

import os

import pytest

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


@pytest.fixture(scope='session')
def shared_data():
    """Returns the folder of test pictures; skips the test where it is absent."""
    if not os.path.isdir(_SHARED_DATA):
        pytest.skip('needs the folder {}, which is not here'.format(_SHARED_DATA))
    return _SHARED_DATA


@pytest.fixture(scope='session')
def face():
    """Returns a real photo, uint8 [768, 1024, 3], read-only."""
    import scipy.misc
    photo = scipy.misc.face().astype('uint8')
    photo.setflags(write=False)
    return photo
