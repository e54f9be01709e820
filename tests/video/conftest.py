"""What tests of films share; without ffmpeg there is nothing to test."""

import pytest

pytest.importorskip('imageio_ffmpeg', reason="FILMS ARE NOT TESTED: pip install 'resnet_in_tf[video]'")


@pytest.fixture(scope='session')
def tiny(tmp_path_factory):
    """Path of a small network with random weights."""
    import networks
    return networks.write_random(tmp_path_factory.mktemp('network') / 'tiny.pb')
