"""deploy/kubernetes.yaml: by the schemas of Kubernetes, and with the server's flags, paths and metrics."""

import copy
import os

import onnx_networks
import pytest
from server_process import Server

MANIFEST = os.path.join(os.path.dirname(__file__), '..', '..', 'deploy', 'kubernetes.yaml')


@pytest.fixture(scope='module')
def manifest():
    """The documents of the manifest, by their kinds."""
    yaml = pytest.importorskip('yaml')
    with open(MANIFEST) as file:
        documents = list(yaml.safe_load_all(file))
    by_kind = {document['kind']: document for document in documents}
    assert len(by_kind) == len(documents) == 4
    return by_kind


@pytest.fixture(scope='module')
def pod(manifest):
    return manifest['Deployment']['spec']['template']['spec']


@pytest.fixture(scope='module')
def validate():
    """Raises where a document is not to the schema of the newest Kubernetes that the package knows."""
    package = pytest.importorskip('kubernetes_validate')
    return lambda document: package.validate(document, package.latest_version(), strict=True)


def test_every_document_is_to_its_schema(manifest, validate):
    for document in manifest.values():
        validate(document)


def rename(old, new):
    def change(container):
        container[new] = container.pop(old)
    return change


@pytest.mark.parametrize('kind, change', [
    ('Deployment', lambda spec: rename('readinessProbe', 'readynessProbe')(
        spec['template']['spec']['containers'][0])),
    ('Deployment', lambda spec: spec['template']['spec'].update(terminationGracePeriodSeconds='a minute')),
    ('HorizontalPodAutoscaler', rename('maxReplicas', 'max')),
    ('HorizontalPodAutoscaler', lambda spec: spec['metrics'][0]['pods'].pop('target'))])
def test_what_is_not_to_the_schema_is_told(manifest, validate, kind, change):
    from kubernetes_validate import ValidationError
    wrong = copy.deepcopy(manifest[kind])
    change(wrong['spec'])
    with pytest.raises(ValidationError):
        validate(wrong)


def test_its_parts_go_together(manifest, pod):
    container, = pod['containers']
    labels = manifest['Deployment']['spec']['template']['metadata']['labels']
    assert manifest['Service']['spec']['selector'] == labels
    for kind in ('Deployment', 'PodDisruptionBudget'):
        assert manifest[kind]['spec']['selector']['matchLabels'] == labels
    target = manifest['HorizontalPodAutoscaler']['spec']['scaleTargetRef']
    assert (target['kind'], target['name']) == ('Deployment', manifest['Deployment']['metadata']['name'])
    volumes, mounts = [{each['name'] for each in listed}
                       for listed in (pod['volumes'], container['volumeMounts'])]
    assert volumes == mounts
    flags = dict(flag.lstrip('-').split('=') for flag in container['args'][1:])
    assert int(flags['port']) == container['ports'][0]['containerPort']
    pause = int(container['lifecycle']['preStop']['exec']['command'][1])
    assert pod['terminationGracePeriodSeconds'] > pause + float(flags['timeout'])
    assert manifest['Service']['metadata']['name'] in flags['allowed_hosts'].split(',')


@pytest.mark.slow
def test_a_server_takes_its_flags_answers_its_probes_and_has_the_metric_that_it_scales_by(
        tmp_path, manifest, pod):
    pytest.importorskip('onnxruntime')
    container, = pod['containers']
    script, *flags = container['args']
    assert script == 'serve.py'
    own = [flag for flag in flags if not flag.startswith(('--host=', '--port='))]
    server = Server(onnx_networks.write(tmp_path / 'net.onnx', predictor=False), *own)
    try:
        for probe in ('startupProbe', 'readinessProbe', 'livenessProbe'):
            assert server.ask('GET', container[probe]['httpGet']['path'])[0] == 200
        annotations = manifest['Deployment']['spec']['template']['metadata']['annotations']
        metric = manifest['HorizontalPodAutoscaler']['spec']['metrics'][0]['pods']['metric']['name']
        text = server.ask('GET', annotations['prometheus.io/path'])[2].decode()
        assert '\n%s 0.0\n' % metric in text and '# TYPE %s gauge\n' % metric in text
        service = manifest['Service']['metadata']['name']
        assert server.ask('GET', '/v1/styles', headers={'Host': service})[0] == 200
    finally:
        server.stop()
