"""What tests of films share."""

import pytest


@pytest.fixture(scope='session')
def tiny(tmp_path_factory):
    """Path of a small network with random weights."""
    import networks
    return networks.write_random(tmp_path_factory.mktemp('network') / 'tiny.pb')
