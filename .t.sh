export PYTHONPATH=$PWD/src; env -u PYTHONDONTWRITEBYTECODE /work/main/.venv/bin/python "$@"
