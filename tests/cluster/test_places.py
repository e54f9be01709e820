"""Pictures in S3, by a real server on this machine, and at other addresses."""

import math
import os

import on_ray
import pytest
from on_ray import content, stylize

from resnet_in_tf.cluster import places
from resnet_in_tf.errors import UserError


@pytest.fixture
def bucket(s3, monkeypatch, request):
    """Returns a client of S3 and the name of a new bucket."""
    import boto3
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    client = boto3.session.Session().client('s3')
    name = request.node.name.replace('_', '-')[:40].strip('-').lower()
    client.create_bucket(Bucket=name)
    return client, name


def objects(client, bucket, prefix):
    """What lies below a prefix: dict of name -> bytes."""
    found = client.list_objects_v2(Bucket=bucket, Prefix=prefix).get('Contents', ())
    return {each['Key'][len(prefix):]: client.get_object(Bucket=bucket, Key=each['Key'])['Body'].read()
            for each in found}


def test_from_s3_to_s3(alone, network, ray, bucket, s3):
    client, name = bucket
    source, results = alone
    for path in results:
        client.upload_file(os.path.join(source, path), name, 'photos/' + path)
    client.put_object(Bucket=name, Key='photos/broken.png', Body=b'this is no picture')
    client.put_object(Bucket=name, Key='photos/.hidden/a.png', Body=b'')
    client.put_object(Bucket=name, Key='restyled/sub/003.png', Body=b'mine')
    address = 's3://%s/' % name
    flags = ['--model', network, '--cluster', 'local:2', '--input', address + 'photos/', '--output',
             address + 'restyled']
    result = stylize(*flags, **s3)
    assert result.stdout == '23 done, 1 skipped, 1 failed\n' and result.returncode == 1, result.stderr
    assert 'failed: %sphotos/broken.png: not a picture' % address in result.stderr
    assert objects(client, name, 'restyled/') == dict(results, **{'sub/003.png': b'mine'})
    head = client.head_object(Bucket=name, Key='restyled/001.jpg')
    assert head['ContentType'] == 'image/jpeg'


def test_s3_is_listed_a_page_at_a_time(bucket):
    client, name = bucket
    for number in range(1250):
        client.put_object(Bucket=name, Key='photos/%04d.png' % number, Body=b'x' * (number % 7))
    place = places.place('s3://%s/photos' % name)
    asked = []
    place.client.meta.events.register('before-call.s3.ListObjectsV2', lambda **call: asked.append(call))
    entries = place.entries('')
    assert not asked
    for number, entry in enumerate(entries):
        assert entry == ('%04d.png' % number, number % 7, False)
        assert len(asked) == math.ceil((number + 1) / places.PAGE)
    assert number == 1249


def test_what_s3_refuses_is_one_line(bucket, s3, network, ray, tmp_path):
    _, name = bucket
    result = stylize('--model', network, '--cluster', 'local:1', '--input', 's3://%s-none/photos' % name,
                     '--output', tmp_path / 'out', **s3)
    assert result.returncode == 2 and result.stderr.count('\n') == 1
    assert 's3://%s-none/photos' % name in result.stderr and 'bucket does not exist' in result.stderr


def test_an_address_without_puts_takes_a_name_when_the_file_is_whole(tmp_path):
    """fsspec's own file:// stands for hdfs:// and its like."""
    pytest.importorskip('fsspec')
    (tmp_path / 'in').mkdir()
    on_ray.write_photos(tmp_path / 'in', 4)
    source, output = (places.place('file://%s/%s' % (tmp_path, name)) for name in ('in', 'out'))
    names = {name for name, size, _ in source.entries('') if size is not None}
    assert names == {'000.png', '001.jpg', '002.png'}
    assert ('sub', None, False) in list(source.entries(''))
    assert not output.exists('sub/a.png')
    for _ in range(2):
        source.fetch('sub/003.png', str(tmp_path / 'here'))
        output.store(str(tmp_path / 'here'), 'sub/a.png')
    assert output.exists('sub/a.png')
    assert list(content(tmp_path / 'out')) == ['sub/a.png']
    assert content(tmp_path / 'out')['sub/a.png'] == content(tmp_path / 'in')['sub/003.png']
    with pytest.raises(UserError, match='file://'):
        output.store(str(tmp_path / 'gone'), 'sub/b.png')
    assert list(content(tmp_path / 'out')) == ['sub/a.png']


def test_an_address_that_needs_a_package_says_so():
    pytest.importorskip('fsspec')
    with pytest.raises(UserError, match='pip install'):
        places.place('abfs://photos/in')
