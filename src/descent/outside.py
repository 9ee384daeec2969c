"""Folders and files of the user: written whole or not at all, and what is said where that fails."""

import errno
import os
import re
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from descent.errors import InputError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
NO_FOLDER = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)


def refusal(error: OSError, key: str, value: object) -> InputError:
    """Return what is said of a file that cannot be written.

    Args:
        error: of the system.
        key: the setting or argument that chose where it lies.
        value: the value it had.
    """
    where = f": {error.filename}" if error.filename and str(error.filename) != str(value) else ""
    remedy = "Free some space, and repeat the command." if error.errno in FULL else ""
    return InputError(key, value, f"cannot be written ({error.strerror}{where})", remedy)


@contextmanager
def output(key: str, value: object) -> Iterator[None]:
    """Refuse what cannot be written within: the disk is full, or the folder can only be read or is none.

    Raises:
        InputError: names the file; see `refusal`.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (*FULL, *CLOSED, *NO_FOLDER):
            raise
        raise refusal(error, key, value) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Let an error of the system name the file that is written, as that of a full disk does not.

    Raises:
        OSError: it.
    """
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path`, and put it in its place; where writing fails, delete it and keep the old one."""
    fresh = path.with_name(f"{path.stem}.tmp")
    try:
        with writing(path):
            yield fresh
            os.replace(fresh, path)
    except BaseException:
        with suppress(OSError):  # of a folder that can only be read
            fresh.unlink()
        raise


def write_text(path: Path, text: str) -> None:
    """Write a file that nobody sees half of."""
    with replacing(path) as fresh:
        fresh.write_text(text, encoding="utf-8")


def remove(path: Path) -> None:
    """Delete a file, or a folder that lies where a file belongs."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def safe_name(name: str, longest: int = 60) -> str:
    """Return a text from a result as the name of a file or folder: no path, and none that another text has.

    Args:
        name: any text.
        longest: bytes that are kept.
    """
    safe = re.sub(r"[^\w=.,()# +-]", "_", name).strip(". ").encode()[:longest].decode(errors="ignore")
    return name if name and safe == name else f"{safe}-{zlib.crc32(name.encode()):08x}"
