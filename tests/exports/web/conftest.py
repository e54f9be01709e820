"""A small network as a page."""

import os
import shutil

import pytest

from resnet_in_tf import files


@pytest.fixture(scope='session')
def model(tmp_path_factory):
    """Returns the path of a .pb with two styles and palettes."""
    import networks
    return networks.write_random(tmp_path_factory.mktemp('network') / 'net.pb', 'resnet_any')


@pytest.fixture(scope='session')
def needs_runtime():
    """Skips where onnxruntime-web is neither kept nor to be had."""
    pytest.importorskip('onnxruntime')
    from resnet_in_tf.exports.web import packages
    kept = os.path.join(files.cache_folder(), 'npm', '%s-%s.tgz' % (packages.PACKAGE, packages.VERSION))
    if not shutil.which('npm') and not os.path.exists(kept):
        pytest.skip('THE PAGE ON THE DEVICE IS NOT TESTED: there is no npm here (Debian: apt-get install '
                    'npm)')


@pytest.fixture(scope='session')
def folder(tmp_path_factory, model, needs_runtime):
    """Returns the folder of its page."""
    from resnet_in_tf import exports
    path = tmp_path_factory.mktemp('site') / 'page'
    written, = exports.export(model, 'web', str(path))
    assert written.difference < 1 and written.bytes > 1e6
    return path


@pytest.fixture(scope='module')
def site(folder):
    """Returns that folder behind a static server."""
    from static_site import Site
    site = Site(str(folder))
    yield site
    site.stop()


@pytest.fixture
def page(browser, site):
    """Returns the browser with that page, its network there; what it logs as severe fails the test."""
    from browsing import check_log, visit
    visit(browser, site)
    yield browser
    check_log(browser)
