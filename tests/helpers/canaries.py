"""Canaries for the tests of isolation: what an attack would touch, the attacks, and the sets of layers to try them on."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sandboxes import Job

NAMESPACES = ("bwrap", "unshare")
EVERYTHING = (*NAMESPACES, "user", "landlock", "seccomp")
# What each set of layers does without. The third leaves a program as the same user as its trainer, root included.
WITHOUT = {"all": (), "unshare": ("bwrap",), "no namespaces": NAMESPACES, "same user": (*NAMESPACES, "user")}
ERRORS = {
    "PermissionError",
    "FileNotFoundError",
    "OSError",
    "ProcessLookupError",
    "RuntimeError",
    "ValueError",
    "BlockingIOError",
}
PROBE = Job(program="import math\ndef f(x):\n    return sorted({x: math.sqrt(x)}.items())", calls=("4",))


def program(body: str) -> str:
    lines = "\n".join("    " + line for line in body.splitlines())
    return f"import ctypes, os, resource, socket\nlibc = ctypes.CDLL(None, use_errno=True)\ndef f(host):\n{lines}"


@dataclass
class Host:
    """Canaries: a folder that anyone may write to, sockets that anyone may reach, and a process of this user."""

    folder: Path
    secret: str
    sockets: dict[str, socket.socket]
    victim: subprocess.Popen[bytes]

    def describe(self) -> str:
        """The argument of an attack."""
        port = {name: self.sockets[name].getsockname()[1] for name in ("tcp", "udp")}
        return repr({"folder": str(self.folder), "victim": self.victim.pid, "trainer": os.getpid(), **port})

    def state(self) -> list[tuple[object, ...]]:
        """Everything that an attack may not change."""
        entries: list[tuple[object, ...]] = []
        for path in sorted([self.folder, *self.folder.rglob("*")]):
            stat = path.lstat()
            text = path.read_text() if path.is_file() else ""
            entries.append((str(path), stat.st_mode, stat.st_mtime_ns, stat.st_nlink, text))
        return entries

    def visitors(self) -> list[str]:
        """The sockets that something has reached."""
        reached: list[str] = []
        for name, listening in self.sockets.items():
            with suppress(BlockingIOError):
                if name in ("tcp", "unix", "abstract"):
                    listening.accept()[0].close()
                else:
                    listening.recv(100)
                reached.append(name)
        return reached


@contextmanager
def set_out() -> Iterator[Host]:
    """Fresh canaries; not below pytest's own folder, which other users cannot enter."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="canary-")))
        sockets = {
            "tcp": socket.socket(),
            "udp": socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            "unix": socket.socket(socket.AF_UNIX),
            "unix datagram": socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
            "abstract": socket.socket(socket.AF_UNIX),
        }
        places = [("127.0.0.1", 0)] * 2 + [f"{folder}/stream", f"{folder}/datagram", f"\0{folder}"]
        for (name, each), place in zip(sockets.items(), places, strict=True):
            stack.enter_context(each)
            each.bind(place)
            each.setblocking(False)
            if name in ("tcp", "unix", "abstract"):
                each.listen()
        secret = os.urandom(8).hex()
        (folder / "secret").write_text(secret)
        (folder / "empty").mkdir()
        for path in (folder, *folder.iterdir()):
            path.chmod(0o777)
        victim = stack.enter_context(subprocess.Popen(["sleep", "36000"], start_new_session=True))  # all of a module
        stack.callback(victim.kill)
        yield Host(folder, secret, sockets, victim)


def below(pid: int) -> list[int]:
    """The process ids of all descendants."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    family = [pid]
    for parent in family:
        family += [child for child, of in parents.items() if of == parent]
    return family[1:]


READING = {
    "a file": "return open(host['folder'] + '/secret').read()",
    "passwd": "return open('/etc/passwd').read()",
    "the environment of the first process": "return repr(open('/proc/1/environ', 'rb').read())",
    "the environment of the trainer": "return repr(open(f'/proc/{host[\"trainer\"]}/environ', 'rb').read())",
    "the memory of the trainer": "return open(f'/proc/{host[\"trainer\"]}/maps').read(50)",
    "its own environment": "return repr(open('/proc/self/environ', 'rb').read())",
    "the root folder": "return os.listdir('/')",
    "a folder": "return os.listdir(host['folder'])",
    "the temporary folder": "return len(list(os.scandir('/tmp')))",
    "up from an open folder": """
for n in range(3, 64):
    try: return os.open('../' * 20 + 'etc/passwd', os.O_RDONLY, dir_fd=n)
    except OSError: pass
return open('../' * 20 + 'etc/passwd').read()""",
    "a file by its handle": """
import struct
handle, mount = ctypes.create_string_buffer(struct.pack('Ii', 128, 0) + bytes(128)), ctypes.c_int()
path = (host['folder'] + '/secret').encode()
if libc.syscall(303, -100, path, handle, ctypes.byref(mount), 0) < 0: raise OSError(ctypes.get_errno(), 'name_to_handle_at')
place = os.open(host['folder'], os.O_RDONLY)
file = libc.syscall(304, place, handle, 0)
if file < 0: raise OSError(ctypes.get_errno(), 'open_by_handle_at')
return os.read(file, 100).decode()""",
}
CHANGING = {
    "creating": "open(host['folder'] + '/new', 'w')",
    "creating a folder": "os.mkdir(host['folder'] + '/new')",
    "creating a link": "os.symlink('/', host['folder'] + '/new')",
    "creating another name": "os.link(host['folder'] + '/secret', host['folder'] + '/new')",
    "creating a pipe": "os.mkfifo(host['folder'] + '/new')",
    "deleting": "os.unlink(host['folder'] + '/secret')",
    "deleting a folder": "os.rmdir(host['folder'] + '/empty')",
    "renaming": "os.rename(host['folder'] + '/secret', host['folder'] + '/new')",
    "emptying": "open(host['folder'] + '/secret', 'w')",
    "emptying by reading": "os.open(host['folder'] + '/secret', os.O_RDONLY | os.O_TRUNC)",
    "emptying by neither reading nor writing": "os.open(host['folder'] + '/secret', os.O_ACCMODE | os.O_TRUNC)",
    "cutting": "os.truncate(host['folder'] + '/secret', 1)",
    "changing the mode": "os.chmod(host['folder'] + '/secret', 0o600)",
    "changing the time": "os.utime(host['folder'] + '/secret', (1, 1))",
}
CONNECTING = {
    "tcp": "socket.create_connection(('127.0.0.1', host['tcp']), 1)",
    "udp": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', host['udp']))",
    "unix": "socket.socket(socket.AF_UNIX).connect(host['folder'] + '/stream')",
    "abstract": "socket.socket(socket.AF_UNIX).connect(chr(0) + host['folder'])",
    "unix datagram": """
pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
pair[0].sendto(b'x', host['folder'] + '/datagram')""",
}
KILLING = {
    "by its id": "os.kill(host['victim'], 9)",
    "its group": "os.killpg(host['victim'], 9)",
    "by a descriptor": "import signal\nsignal.pidfd_send_signal(os.pidfd_open(host['victim']), 9)",
    "with a value": """
import struct
info = ctypes.create_string_buffer(struct.pack('iii', 9, 0, -1), 128)
if libc.syscall(129, host['victim'], 9, info): raise OSError(ctypes.get_errno(), 'rt_sigqueueinfo')""",
    "by input that becomes ready": """
import fcntl, time
read, write = os.pipe()
fcntl.fcntl(read, fcntl.F_SETOWN, host['victim'])
fcntl.fcntl(read, 10, 9)  # F_SETSIG
fcntl.fcntl(read, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
os.write(write, b'x')""",
    "by its limits": "resource.prlimit(host['victim'], resource.RLIMIT_CPU, (0, 0))",
}


MULTIPLYING = {
    "forking": "for _ in range(50):\n    if os.fork() == 0: os._exit(0)",
    "threads": "import threading\nfor _ in range(50): threading.Thread(target=print).start()",
    "spawning": "os.posix_spawn('/bin/true', ['true'], {})",
    "a subprocess": "import subprocess\nsubprocess.run(['/bin/true'])",
    "becoming another program": "os.execv('/proc/self/exe', ['python3', '-c', 'pass'])",
    "a program in memory": """
file = os.memfd_create('x')
os.write(file, open('/proc/self/exe', 'rb').read())
os.execv(f'/proc/self/fd/{file}', ['x'])""",
    "more memory": "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    "more time": "resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))",
    "more processes": "resource.setrlimit(resource.RLIMIT_NPROC, (99, 99))",
    "longer files": "resource.setrlimit(resource.RLIMIT_FSIZE, (99, 99))",
    "root": "os.setuid(0) or os.setgroups([0])",
    "killing the worker": "os.kill(os.getppid(), 9)",
    "stopping the worker": "os.kill(os.getppid(), 19)",
    "memory of the worker": "open(f'/proc/{os.getppid()}/mem', 'r+b')",
    "descriptors of the worker": "os.listdir(f'/proc/{os.getppid()}/fd')",
    "limits of the worker": "resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (3, 3))",
}
FORBIDDEN_CALLS = {
    name: int(number)
    for name, number in (
        pair.split("=")
        for pair in """
    ptrace=101 process_vm_readv=310 process_vm_writev=311 io_uring_setup=425 bpf=321 keyctl=250 add_key=248 perf_event_open=298
    userfaultfd=323 unshare=272 setns=308 mount=165 pivot_root=155 chroot=161 shmget=29 msgget=68 semget=64 mq_open=240
    memfd_create=319 inotify_init=253 init_module=175 swapon=167 reboot=169 personality=135 iopl=172 socket=41 clone3=435
    pidfd_open=434 seccomp=317 execve=59 execveat=322 setsid=112 setpgid=109 setuid=105 setxattr=188 connect=42 bind=49
    """.split()
    )
}
