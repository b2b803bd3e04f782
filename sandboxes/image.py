"""The container image, built here and without a registry: the running interpreter, its library, and what it links to.

The image holds no shell, no package manager and no set-user-id file, and its Python is the host's, so both backends
give the same values. Its tag is the digest of its contents, and a label holds a cheap fingerprint of the files that it was
made from, by which later processes find it again.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from .errors import SandboxUnavailable
from .launch import base_interpreter

REPOSITORY = "selfplay-sandbox"
_FINGERPRINT_LABEL = "selfplay.fingerprint"
_RECIPE = "1"  # part of the fingerprint: raise it when this module writes a different image
_SKIPPED_FOLDERS = re.compile(
    r"^(tests?|idlelib|tkinter|turtledemo|ensurepip|lib2to3|site-packages|dist-packages|distutils|pydoc_data|venv|config-.*)$"
)
_SKIPPED_EXTENSIONS = re.compile(r"^(_test|_tkinter|_ctypes_test|xxlimited|xxsubtype)")
_MOUNT_POINTS = ("dev", "etc", "proc", "sys", "tmp")


def ensure_image(client: Any) -> str:
    """The tag of an image of this interpreter, built and imported first if the engine has none.

    Args:
        client: A `docker.DockerClient`.

    Raises:
        SandboxUnavailable: The interpreter's files or `ldd` are missing.
    """
    present = find_image(client)
    if present is not None:
        return present
    with tempfile.TemporaryFile() as file:
        digest = write_image(file)
        file.seek(0)
        tag = f"{REPOSITORY}:{digest[:12]}"
        changes = [f"LABEL {_FINGERPRINT_LABEL}={fingerprint()}"]
        client.api.import_image_from_data(file, repository=REPOSITORY, tag=digest[:12], changes=changes)
    return tag


def find_image(client: Any) -> str | None:
    """The tag of the image made from exactly the files that are here now, or None."""
    for image in client.images.list(name=REPOSITORY, filters={"label": f"{_FINGERPRINT_LABEL}={fingerprint()}"}):
        if image.tags:
            return str(sorted(image.tags)[0])
    return None


def fingerprint() -> str:
    """A hash over names, sizes and times of the interpreter and its library; takes milliseconds."""
    state = hashlib.sha256(f"{_RECIPE} {sys.version} {base_interpreter()}".encode())
    for path in [Path(base_interpreter()), *_library_files()]:
        stat = path.stat()
        state.update(f"{path}|{stat.st_size}|{int(stat.st_mtime)}\n".encode())
    return state.hexdigest()[:32]


def write_image(file: IO[bytes]) -> str:
    """Writes the image's file system as a tar stream and returns the SHA-256 of it, in hex.

    Sorted, owned by root, and with each source file's own time, which is what makes its byte code valid: the same files
    give the same bytes.
    """
    interpreter = Path(base_interpreter())
    library = list(_library_files())
    shared = _linked_libraries([interpreter, *[path for path in library if path.suffix == ".so"]])
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        files = sorted({interpreter, *library, *shared})
        folders = {parent for path in files for parent in path.parents} | {Path("/") / name for name in _MOUNT_POINTS}
        for folder in sorted(folders - {Path("/")}):
            entry = tarfile.TarInfo(str(folder).lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for path in files:
            entry = tarfile.TarInfo(str(path).lstrip("/"))
            stat = path.stat()
            entry.size, entry.mtime = stat.st_size, int(stat.st_mtime)
            entry.mode = 0o755 if path == interpreter or ".so" in path.name else 0o644
            with path.open("rb") as source:
                archive.addfile(entry, source)
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # pyright: ignore[reportArgumentType]


def _library_files() -> Iterator[Path]:
    """The standard library: sources, extension modules, and byte code of this version, without tests and tools."""
    suffix = f".{sys.implementation.cache_tag}.pyc"
    for folder, names, files in os.walk(sysconfig.get_path("stdlib")):
        names[:] = sorted(name for name in names if not _SKIPPED_FOLDERS.match(name))
        for file in sorted(files):
            wanted = file.endswith((".py", suffix)) or (file.endswith(".so") and not _SKIPPED_EXTENSIONS.match(file))
            if wanted:
                yield Path(folder, file)


def _linked_libraries(binaries: list[Path]) -> set[Path]:
    """Every shared library that these files load, the dynamic loader included, by the paths they are looked up under.

    Raises:
        SandboxUnavailable: There is no `ldd`.
    """
    try:
        done = subprocess.run(["ldd", *map(str, binaries)], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxUnavailable(f"No sandbox image: ldd failed ({error}); install it with `apt install libc-bin`.") from error
    return {Path(match) for match in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", done.stdout, re.MULTILINE)}
