"""Real Ray on this machine, small networks and tiny photos."""

import os
import signal
import socket
import sys
import uuid

import on_ray
import onnx_networks
import pytest
import running

LACK = "THE CLUSTER IS NOT TESTED: pip install 'resnet_in_tf[cluster]'"


@pytest.fixture(scope='session')
def ray():
    """The module; skips the test where Ray is not installed."""
    os.environ['RAY_USAGE_STATS_ENABLED'] = '0'
    return pytest.importorskip('ray', reason=LACK)


@pytest.fixture(scope='session')
def network(tmp_path_factory):
    """Returns the path of a small network that onnxruntime opens in a moment."""
    pytest.importorskip('onnxruntime')
    return onnx_networks.write(tmp_path_factory.mktemp('network') / 'small.onnx', palette=False)


@pytest.fixture(scope='session')
def head(ray, tmp_path_factory):
    """Returns on_ray.Nodes without a node."""
    made = on_ray.Nodes(tmp_path_factory.mktemp('traps'), {})
    yield made
    made.cluster.shutdown()


@pytest.fixture
def nodes(head):
    """Returns on_ray.Nodes with two nodes of one core each."""
    head.two()
    return head


@pytest.fixture(scope='session')
def s3(tmp_path_factory):
    """Returns the environment of a server of S3 that runs on this machine."""
    pytest.importorskip('moto', reason='S3 IS NOT TESTED: there is no moto here')
    pytest.importorskip('flask_cors', reason='S3 IS NOT TESTED: there is no flask-cors here')
    pytest.importorskip('boto3', reason=LACK)
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    log = open(str(tmp_path_factory.mktemp('s3') / 'log'), 'w')
    server = running.start([sys.executable, '-m', 'moto.server', '-H', '127.0.0.1', '-p', str(port)],
                           stdout=log, stderr=log)

    def answers():
        with socket.socket() as client:
            return client.connect_ex(('127.0.0.1', port)) == 0
    try:
        on_ray.until(answers, server)
        yield {'AWS_ENDPOINT_URL': 'http://127.0.0.1:%d' % port, 'AWS_ACCESS_KEY_ID': 'nobody',
               'AWS_SECRET_ACCESS_KEY': 'nothing', 'AWS_DEFAULT_REGION': 'us-east-1'}
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
        log.close()


@pytest.fixture(scope='session')
def alone(tmp_path_factory, network):
    """Returns a folder of 24 photos, and what stylize.py makes of them on this machine alone."""
    folder = tmp_path_factory.mktemp('alone')
    on_ray.write_photos(folder / 'in', 24)
    result = on_ray.stylize('--model', network, '--input', folder / 'in', '--output', folder / 'out')
    assert result.stdout == '24 done, 0 skipped, 0 failed\n', result.stderr
    return str(folder / 'in'), on_ray.content(folder / 'out')


@pytest.fixture
def bucket(s3, monkeypatch):
    """Returns a client of S3 and the name of a new bucket."""
    import boto3
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    client, name = boto3.session.Session().client('s3'), 'bucket-' + uuid.uuid4().hex
    client.create_bucket(Bucket=name)
    return client, name
