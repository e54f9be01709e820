"""What is made once for all the processes that run tests side by side."""

import fcntl
import json
import shutil


def made_once(request, tmp_path_factory, name, make):
    """Makes something in the first process that asks; the others wait, and take what is there.

    Args:
        request: pytest's, of a session fixture.
        name: of the folder that it is made in.
        make: function of that folder, a new one. What it returns JSON can hold.

    Returns:
        What `make` returned.
    """
    base = tmp_path_factory.getbasetemp()
    if hasattr(request.config, 'workerinput'):  # of pytest-xdist: each worker's folder lies in the session's
        base = base.parent
    folder, told = base / name, base / (name + '.json')
    with open(str(base / (name + '.lock')), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            shutil.rmtree(str(folder), ignore_errors=True)  # of a process that failed at it
            folder.mkdir()
            made = json.dumps(make(folder))
            told.write_text(made, encoding='utf-8')
        return json.loads(told.read_text(encoding='utf-8'))
