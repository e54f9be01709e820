"""Builds and runs the Docker image with podman: no daemon, and nothing outside a cache folder.

The base images lie on Docker's hub, so a small Debian with the same Python, and TensorFlow, stands in for
each (tests/image/*Containerfile). Bases and layers stay in the cache folder: the second build takes seconds.
"""

import ast
import fcntl
import glob
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time

from running import ROOT, TIMEOUT

RECIPES = os.path.join(ROOT, 'tests', 'image')
CACHE = os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'),
                     'resnet_in_tf', 'image')
TOOLS = ('podman', 'runc', 'debootstrap')
OLD, NEW = '3.6', '3.13'  # the Pythons of the bases
PYTHON_PARTS_LEFT_OUT = ('test', 'site-packages/*.pth', 'lib-dynload/_tkinter*')
# What tells pip where packages come from; a certificate is handed in as a file.
PIP_SETTINGS = ('index-url', 'extra-index-url', 'trusted-host', 'proxy', 'timeout', 'default-timeout')
CERTIFICATES = ('SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE')
BUILD_SECONDS, RUN_SECONDS = 1800, 600

STORAGE = """
[storage]
driver = "overlay"
graphroot = "{0}/storage"
runroot = "{0}/run"
"""
# Limits that a container may have inside another; no systemd is needed.
SETTINGS = """
[containers]
default_ulimits = ["nofile=1024:20000", "nproc=10000:10000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


class Unavailable(Exception):
    """Why this machine cannot build or run images."""


class Engine:
    """podman with its state in a folder; one process at a time holds it, until `close`."""

    def __init__(self, folder=CACHE):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.lock = open(os.path.join(folder, 'lock'), 'w')
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.environment = dict(
            os.environ, CONTAINERS_STORAGE_CONF=self._write('storage.conf', STORAGE.format(folder)),
            CONTAINERS_CONF=self._write('containers.conf', SETTINGS))

    def _write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def close(self):
        self.lock.close()

    def __call__(self, *arguments, timeout=RUN_SECONDS):
        """Runs podman: subprocess.CompletedProcess with text output."""
        return subprocess.run(('podman',) + arguments, env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True, timeout=timeout)

    def build(self, tag, context, *flags):
        """Builds `context`, layer by layer: subprocess.CompletedProcess with the log as stdout."""
        log = self('build', '--layers', '--isolation', 'chroot', '--network', 'host', '--format', 'docker',
                   *(self._pip() + flags + ('-t', tag, context)), timeout=BUILD_SECONDS)
        if log.returncode == 0:
            self('image', 'prune', '--force')  # layers that no image has any more
        return log

    def _pip(self):
        """podman's flags that hand on where pip of this machine finds packages."""
        listed = subprocess.run([sys.executable, '-m', 'pip', 'config', 'list'], check=True,
                                stdout=subprocess.PIPE, universal_newlines=True).stdout
        found = {}
        for name, value in re.findall(r"^\S*\.([\w-]+)=(['\"].*)$", listed, re.M):
            found[name] = ast.literal_eval(value)
        lines = ['%s = %s' % (name, found[name].replace('\n', '\n    '))
                 for name in PIP_SETTINGS if name in found and 'file:' not in found[name]]
        flags = ()
        certificates = [found.get('cert')] + [os.environ.get(name) for name in CERTIFICATES]
        for path in certificates:
            if path and os.path.isfile(path):
                lines.append('cert = /run/pip.crt')
                flags = ('--volume', '%s:/run/pip.crt:ro' % os.path.realpath(path))
                break
        settings = self._write('pip.conf', '\n'.join(['[global]'] + lines) + '\n')
        return flags + ('--volume', settings + ':/etc/pip.conf:ro')

    def base(self):
        """Returns the tag of the stand-in of TensorFlow's image, made where it is missing.

        Raises:
            Unavailable: this machine cannot make or run it, and why.
        """
        return self._stand_in('tensorflow-1.15', 'Containerfile', OLD, lay_out_debian)

    def python_base(self):
        """The same of the image of a newer Python, with the Debian of the other."""
        return self._stand_in('python-' + NEW, 'python.Containerfile', NEW, lay_out_python,
                              '--build-arg', 'DEBIAN=' + self.base())

    def _stand_in(self, name, recipe, version, lay_out, *flags):
        python, recipe = find_python(version), os.path.join(RECIPES, recipe)
        with open(recipe, 'rb') as file:
            made_of = [file.read()] + [each.encode() for each in (python, release()) + flags]
        tag = 'localhost/%s-stand-in:%s' % (name, hashlib.sha256(b''.join(made_of)).hexdigest()[:12])
        if self('image', 'exists', tag).returncode:
            context = os.path.join(self.folder, 'base')
            shutil.rmtree(context, ignore_errors=True)
            os.makedirs(context)
            try:
                shutil.copy(recipe, os.path.join(context, 'Containerfile'))
                lay_out(context, python, version)
                check(self.build(tag, context, *flags), 'the stand-in base image')
            finally:
                shutil.rmtree(context, ignore_errors=True)
        check(self('run', '--rm', tag, 'true'), 'a container')
        return tag


def logs(engine, container):
    """What a container has said."""
    result = engine('logs', container)
    return result.stdout + result.stderr


def until(engine, container, found):
    """Waits until a container has said something that `found` finds."""
    deadline = time.monotonic() + TIMEOUT
    while not found(logs(engine, container)):
        running_still = engine('inspect', '--format', '{{.State.Running}}', container).stdout.strip()
        assert running_still == 'true' and time.monotonic() < deadline, logs(engine, container)
        time.sleep(0.1)


def stop(engine, container):
    """`docker stop`: the exit status, which is 137 where it had to kill."""
    result = engine('stop', '--time', '10', container)
    assert result.returncode == 0, result.stderr
    return int(engine('inspect', '--format', '{{.State.ExitCode}}', container).stdout)


def find_python(version):
    """The root of a Python, such as '3.6'; raises Unavailable where it or one of the tools is missing."""
    if os.geteuid() or platform.machine() != 'x86_64':
        raise Unavailable('podman as used here needs root and an x86_64 machine')
    missing = [name for name in TOOLS if not shutil.which(name)]
    if missing:
        raise Unavailable('no %s here (Debian: apt-get install --no-install-recommends %s)'
                          % (', '.join(missing), ' '.join(TOOLS)))
    found = subprocess.run([os.path.join(ROOT, 'scripts', 'make_venv.sh'), '--find', version],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if found.returncode:
        raise Unavailable('no python%s here, which the base image has' % version)
    return subprocess.check_output([found.stdout.strip(), '-c', 'import sys; print(sys.base_prefix)'],
                                   universal_newlines=True).strip()


def release():
    """The name of this machine's Debian, such as 'bookworm': Python is copied, with its libraries' names."""
    with open('/etc/os-release', encoding='utf-8') as file:
        found = re.search(r'^VERSION_CODENAME=(\w+)', file.read(), re.M)
    return found.group(1) if found else 'stable'


def lay_out_python(context, python, version):
    """Puts a copy of a Python, the folder `python`, beside a recipe: its path."""
    copy = os.path.join(context, 'python')
    subprocess.check_call(['cp', '-a', python, copy])
    for pattern in PYTHON_PARTS_LEFT_OUT:
        for path in glob.glob(os.path.join(copy, 'lib', 'python' + version, pattern)):
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    for path in glob.glob(os.path.join(copy, 'bin', '*')):
        if not os.path.islink(path):
            repoint(path, python)
    return copy


def lay_out_debian(context, python, version):
    """Puts a copy of a Python, and a minimal Debian that has its libraries, beside a recipe."""
    packages = ','.join(['ca-certificates'] + libraries(lay_out_python(context, python, version), version))
    log = subprocess.run(['debootstrap', '--variant=minbase', '--include=' + packages, release(),
                          os.path.join(context, 'rootfs')], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, universal_newlines=True, timeout=BUILD_SECONDS)
    check(log, 'a minimal Debian')


def repoint(path, python):
    """Lets a script start the interpreter where the image has it."""
    with open(path, 'rb') as file:
        first, rest = file.readline(), file.read()
    if first.startswith(b'#!' + python.encode()):
        with open(path, 'wb') as file:
            file.write(first.replace(python.encode(), b'/usr/local') + rest)


def libraries(python, version):
    """Names of the Debian packages whose libraries an interpreter and its modules load."""
    paths = set()
    name = 'python' + version
    for path in (glob.glob(os.path.join(python, 'bin', name))
                 + glob.glob(os.path.join(python, 'lib', name, 'lib-dynload', '*.so'))):
        text = subprocess.check_output(['ldd', path], universal_newlines=True)
        paths.update(re.findall(r'=> (/\S+)', text))
    names = set()
    for path in paths:
        for spelled in (path, '/usr' + path, os.path.realpath(path), path.replace('/usr/lib', '/lib', 1)):
            owner = subprocess.run(['dpkg', '-S', spelled], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, universal_newlines=True)
            if owner.returncode == 0:
                names.add(owner.stdout.split(':')[0])
                break
    return sorted(names)


def check(result, what):
    if result.returncode:
        text = (result.stdout or '') + (result.stderr or '')
        lines = [line for line in text.splitlines() if line.strip()]
        raise Unavailable('cannot make %s: %s' % (what, ' / '.join(lines[-3:]) or 'no reason given'))
