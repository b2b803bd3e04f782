"""The container image, built here and without a registry: the running interpreter, its library, and what it links to.

The image holds no shell, no package manager and no set-user-id file, and its Python is the host's, so both backends
give the same values. Its tag is the digest of its contents, and a label holds a cheap fingerprint of the files that it was
made from, by which later processes find it again.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import marshal
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

from ..core.errors import SandboxUnavailable
from .packages import Packages
from .worker_command import base_interpreter

REPOSITORY = "selfplay-sandbox"
PACKAGES_FOLDER = "/packages"
"""The folder in which an image keeps distributions besides the standard library."""
INTERPRETER_LABEL = "selfplay.interpreter"
"""The label by which an image says which of its files is Python."""
_FINGERPRINT_LABEL = "selfplay.fingerprint"
_RECIPE = "2"  # part of the fingerprint: raise it when this module writes a different image
_SKIPPED_FOLDERS = re.compile(
    r"^(tests?|idlelib|tkinter|turtledemo|ensurepip|lib2to3|site-packages|dist-packages|distutils|pydoc_data|venv|config-.*"
    r"|__pycache__)$"
)
_SKIPPED_EXTENSIONS = re.compile(r"^(_test|_tkinter|_ctypes_test|xxlimited|xxsubtype)")
_MOUNT_POINTS = ("dev", "etc", "proc", "sys", "tmp")


def ensure_image(client: Any, packages: Packages | None = None) -> str:
    """The tag of an image of this interpreter, built and imported first if the engine has none.

    Args:
        client: A `docker.DockerClient`.
        packages: What programs may import besides the standard library.

    Raises:
        SandboxUnavailable: The interpreter's files or `ldd` are missing.
    """
    present = find_image(client, packages)
    if present is not None:
        return present
    with tempfile.TemporaryFile() as file:
        digest = write_image(file, packages)
        file.seek(0)
        tag = f"{REPOSITORY}:{digest[:12]}"
        changes = [f"LABEL {_FINGERPRINT_LABEL}={fingerprint(packages)} {INTERPRETER_LABEL}={base_interpreter()}"]
        client.api.import_image_from_data(file, repository=REPOSITORY, tag=digest[:12], changes=changes)
    return tag


def find_image(client: Any, packages: Packages | None = None) -> str | None:
    """The tag of the image made from exactly the files that are here now, or None."""
    label = f"{_FINGERPRINT_LABEL}={fingerprint(packages)}"
    for image in client.images.list(name=REPOSITORY, filters={"label": label}):
        if image.tags:
            return str(sorted(image.tags)[0])
    return None


def fingerprint(packages: Packages | None = None) -> str:
    """A hash over names, sizes and times of the interpreter and its library; takes milliseconds."""
    state = hashlib.sha256(f"{_RECIPE} {sys.version} {base_interpreter()} {packages and packages.digest}".encode())
    for path in [Path(base_interpreter()), *_library_files()]:
        stat = path.stat()
        state.update(f"{path}|{stat.st_size}|{int(stat.st_mtime)}\n".encode())
    return state.hexdigest()[:32]


def write_image(file: IO[bytes], packages: Packages | None = None) -> str:
    """Writes the image's file system as a tar stream and returns the SHA-256 of it, in hex.

    Sorted, owned by root, without times, and with byte code that is valid by hash: the same contents give the same bytes,
    whenever and by whom they were installed.
    """
    interpreter = Path(base_interpreter())
    library = list(_library_files())
    extra = [(f"{PACKAGES_FOLDER}/{relative}", path) for relative, path in (packages.files() if packages else ())]
    binaries = [path for path in (*library, *(path for _, path in extra)) if ".so" in path.suffixes]
    shared = _linked_libraries([interpreter, *binaries]) - {path for _, path in extra}
    contents = {str(path): path for path in (interpreter, *library, *shared)} | dict(extra)
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        folders = {parent for name in contents for parent in Path(name).parents} | {Path("/") / name for name in _MOUNT_POINTS}
        for folder in sorted(folders - {Path("/")}):
            entry = tarfile.TarInfo(str(folder).lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for name, path in sorted(contents.items()):
            data = path.read_bytes()
            _add(archive, name, data, 0o755 if path == interpreter or ".so" in path.suffixes else 0o644)
            if path.suffix == ".py" and (code := _byte_code(path, name, data)) is not None:
                _add(archive, importlib.util.cache_from_source(name), code, 0o644)
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # pyright: ignore[reportArgumentType]


def _add(archive: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name.lstrip("/"))
    entry.size, entry.mode = len(data), mode
    archive.addfile(entry, io.BytesIO(data))


def _byte_code(path: Path, name: str, source: bytes) -> bytes | None:
    """A `.pyc` that is valid whatever the source's time; None for source that does not compile, as some templates do.

    See: PEP 552, "unchecked" hash-based pycs.
    """
    header = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(source)
    cached = Path(importlib.util.cache_from_source(str(path)))
    stat = path.stat()
    stamp = (0).to_bytes(4, "little") + (int(stat.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little")
    stamp += (stat.st_size & 0xFFFFFFFF).to_bytes(4, "little")
    if str(path) == name and cached.is_file():
        present = cached.read_bytes()
        if present[:16] == importlib.util.MAGIC_NUMBER + stamp:
            return header + present[16:]
    try:
        return header + marshal.dumps(compile(source, name, "exec", dont_inherit=True, optimize=0))
    except (SyntaxError, ValueError):
        return None


def _library_files() -> Iterator[Path]:
    """The standard library: sources and extension modules, without tests and tools."""
    for folder, names, files in os.walk(sysconfig.get_path("stdlib")):
        names[:] = sorted(name for name in names if not _SKIPPED_FOLDERS.match(name))
        for file in sorted(files):
            if file.endswith(".py") or (file.endswith(".so") and not _SKIPPED_EXTENSIONS.match(file)):
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
    # normalised: a wheel's libraries are found as `package/../package.libs/...`
    return {Path(os.path.normpath(match)) for match in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", done.stdout, re.MULTILINE)}
