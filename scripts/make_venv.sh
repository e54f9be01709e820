#!/bin/sh
# Make a virtual environment with the package in it.
#
#   scripts/make_venv.sh DIR [EXTRA,...]   make DIR if it is missing, install `.[EXTRA,...]` into it
#   scripts/make_venv.sh --find            print the interpreter that would be used
#   scripts/make_venv.sh --find 3.11       print one of that version
#
# Interpreters are tried in this order: $PYTHON, python3.7, python3.6, pyenv's 3.7 and 3.6
# (TensorFlow 1.15, the reference), then python3.11 down to python3.9, and pyenv's
# (TensorFlow 2.15, the second lane), then python3.14 to python3.12, python3.8, and pyenv's
# (onnxruntime without TensorFlow, the light lane).
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }

# Prints the version of interpreter $1, like 3.7, when it starts; else fails. A pyenv shim named
# python3.7 exists even where that version is not switched on, so only running it tells.
version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null </dev/null
}

# Says why interpreter $1 of version $2 cannot be used; silent when it can.
complaint() {
    case $2 in
        3.6|3.7)
            machine=$("$1" -c 'import platform; print(platform.machine())')
            case $machine in
                x86_64|AMD64) ;;
                *) echo "TensorFlow 1.15 has no build for $machine"; return ;;
            esac ;;
        3.8|3.9|3.10|3.11|3.12|3.13|3.14) ;;
        *) echo "it is Python $2; 3.6 to 3.14 will do"; return ;;
    esac
    "$1" -c 'import ensurepip, venv' 2>/dev/null ||
        echo "it has no venv module (on Debian or Ubuntu: apt install python$2-venv)"
}

# Lists candidates, one a line, first choice first.
candidates() {
    if [ -n "$only" ]; then printf '%s\n' "python$only"; pyenv_pythons "$only"; return; fi
    printf '%s\n' python3.7 python3.6
    pyenv_pythons 3.7 3.6
    printf '%s\n' python3.11 python3.10 python3.9
    pyenv_pythons 3.11 3.10 3.9
    printf '%s\n' python3.14 python3.13 python3.12 python3.8
    pyenv_pythons 3.14 3.13 3.12 3.8
}

pyenv_pythons() {
    for wanted in "$@"; do
        for python in "${PYENV_ROOT:-${HOME:-}/.pyenv}/versions/$wanted".*/bin/python; do
            if [ -x "$python" ]; then printf '%s\n' "$python"; fi
        done
    done
}

find_python() {
    only=${1:-}
    if [ -z "$only" ] && [ -n "${PYTHON:-}" ]; then
        if ! version=$(version_of "$PYTHON"); then
            say "error: PYTHON=$PYTHON does not run; name a Python 3.7"; return 1
        fi
        why=$(complaint "$PYTHON" "$version")
        if [ -n "$why" ]; then say "error: PYTHON=$PYTHON cannot be used: $why"; return 1; fi
        chosen "$PYTHON" "$version"; return
    fi
    while IFS= read -r python; do
        version=$(version_of "$python") || continue
        why=$(complaint "$python" "$version")
        if [ -z "$why" ]; then chosen "$python" "$version"; return; fi
        say "note: $python passed over: $why"
    done <<LIST
$(candidates)
LIST
    if [ -n "$only" ]; then say "error: no Python $only found"; return 1; fi
    say "error: no Python from 3.6 to 3.14 found. Install one: Python 3.7, or 3.9 to 3.11, has" \
        "everything (for example: pyenv install 3.7), the others restyle and serve; or name one: make" \
        "PYTHON=/path/to/python3.7; or use the Docker image, which has all of it (docs/docker.md)"
    return 1
}

chosen() {
    case $2 in
        3.6|3.7) ;;
        3.8|3.1[234]) say "note: $1 is the light lane: Python $2 with onnxruntime, which restyles and serves" \
               "(what needs TensorFlow is skipped; Python 3.7, or 3.9 to 3.11, has it)" ;;
        *) say "note: $1 is the second lane: Python $2 with TensorFlow 2.15" \
               "(the reference is Python 3.7 with TensorFlow 1.15)" ;;
    esac
    printf '%s\n' "$1"
}

install() {
    directory=$1
    extras=${2:-}
    if ! "$directory/bin/python" -m pip --version >/dev/null 2>&1; then
        python=$(find_python)
        say "making $directory with $python"
        "$python" -m venv --clear "$directory"
    elif [ -n "${PYTHON:-}" ] && version=$(version_of "$PYTHON") &&
         [ "$version" != "$(version_of "$directory/bin/python")" ]; then
        say "error: $directory holds Python $(version_of "$directory/bin/python"), PYTHON is" \
            "$version; remove $directory, or choose another with make VENV=.venv-$version"
        return 1
    fi
    python=$directory/bin/python
    # Alone and first: the pip that Python 3.6 brings sees no manylinux2010 wheel. The last releases
    # for each Python; setuptools before it warned of pkg_resources, which editable scripts import.
    case $(version_of "$python") in
        3.6) tools='pip==21.3.1'; builders='setuptools==59.6.0 wheel==0.37.1' ;;
        3.8|3.1[234]) tools='pip==25.0.1'; builders='setuptools==75.3.0 wheel==0.45.1' ;;
        *) tools='pip==24.0'; builders='setuptools==65.7.0 wheel==0.42.0' ;;
    esac
    # shellcheck disable=SC2086  # lists of words
    "$python" -m pip install --quiet $tools
    # shellcheck disable=SC2086
    "$python" -m pip install --quiet $builders
    say "installing resnet_in_tf${extras:+ with $extras} (the first time, up to 500 MB to download)"
    (cd "$repository" && "$(absolute "$python")" -m pip install --quiet --editable \
        ".${extras:+[$extras]}")
}

absolute() { case $1 in /*) printf '%s\n' "$1" ;; *) printf '%s\n' "$start/$1" ;; esac; }

start=$PWD
case ${1:-} in
    --find) find_python "${2:-}" ;;
    ''|-*) say "usage: $0 DIR [EXTRA,...] | --find [VERSION]"; exit 2 ;;
    *) install "$1" "${2:-}" ;;
esac
