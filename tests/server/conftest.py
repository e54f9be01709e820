"""What tests of the page share."""

import pytest

from resnet_in_tf.pictures import images


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
    path = str(tmp_path_factory.mktemp('photos') / 'my photo.png')
    images.write(path, images.resize(face, 200, 150))
    return path
