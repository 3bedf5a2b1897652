"""The inside of the sandbox: shuts the doors behind itself, then runs the program that it was given.

Started by `practice/sandbox.py` as a script of its own, with the standard library alone. It says on the first
line of its output which doors are shut (`GUARDS` there), and the program runs after that.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import platform
import resource
import struct
import sys
from typing import Any

NEW_USER, NEW_NET, NEW_IPC = 0x10000000, 0x40000000, 0x08000000
NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2
EPERM, ENOSYS = 1, 38
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
X32 = 0x40000000
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Name: (number on x86_64, number on aarch64); None where it does not exist.
REFUSED: dict[str, tuple[int | None, int | None]] = {
    # other processes
    "fork": (57, None), "vfork": (58, None), "clone": (56, 220), "execve": (59, 221), "execveat": (322, 281),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "tkill": (200, 130),
    "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438), "setsid": (112, 157),
    "setpgid": (109, 154), "setpriority": (141, 140), "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119), "sched_setattr": (314, 274), "ioprio_set": (251, 30),
    # the network, and ways around this list
    "socket": (41, 198), "socketpair": (53, 199), "io_uring_setup": (425, 425), "bpf": (321, 280),
    "userfaultfd": (323, 282), "perf_event_open": (298, 241), "unshare": (272, 97), "setns": (308, 268),
    # files that are not ours: what Landlock leaves open
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "truncate": (76, 45), "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    # the machine
    "mount": (165, 40), "umount2": (166, 39), "move_mount": (429, 429), "open_tree": (428, 428), "fsopen": (430, 430),
    "mount_setattr": (442, 442), "pivot_root": (155, 41), "chroot": (161, 51), "reboot": (169, 142),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "swapon": (167, 224), "swapoff": (168, 225), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "adjtimex": (159, 171), "clock_adjtime": (305, 266), "sethostname": (170, 161), "acct": (163, 89),
    "quotactl": (179, 60), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
}  # fmt: skip
OWN_ONLY = {
    "kill": (62, 129),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
}
"""Signals: to the process itself only, which `abort` needs."""
LIMIT_OTHERS = {"prlimit64": (302, 261)}
"""Its own limits only, which can go down and not up."""
UNKNOWN = {"clone3": (435, 435), "openat2": (437, 437)}
"""Answered as unknown, so that the C library falls back on `clone`, which is refused, and on `openat`, whose flags can be seen."""
FCNTL = (72, 25)
SIGNALLING = (8, 10, 15)
"""Commands of `fcntl` by which a file that becomes ready sends any signal to any process."""
OPEN: dict[int, tuple[int | None, int | None]] = {24: (2, None), 32: (257, 56)}
"""Where in their arguments `open` and `openat` have their flags."""
EMPTYING, WRITING = 0x200, 3
"""Flags: emptied without being opened for writing, it is no write to Landlock before Linux 6.2."""
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
WRITE_FILE, READ_FILE, READ_DIR, REMOVE_FILE, MAKE_FILE, TRUNCATE = 2, 4, 8, 1 << 5, 1 << 8, 1 << 14
OWN_FOLDER = WRITE_FILE | READ_FILE | READ_DIR | REMOVE_FILE | MAKE_FILE | TRUNCATE
"""Plain files: folders within folders without end are hard to remove, and pipes hard to read."""
FILE_RIGHTS_OF_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/dev/urandom",
    "/dev/null",
)


def main() -> None:
    """Shut the doors, say which are shut, run the program."""
    limits: dict[str, int] = json.loads(sys.argv[1])
    work = json.loads(sys.stdin.buffer.read())
    libc = ctypes.CDLL(None, use_errno=True)
    guards = limited(limits)
    # A network without any device, and no rights over what belongs to others, where the machine allows it.
    alone = _called(libc, "unshare", NEW_USER | NEW_NET | NEW_IPC)
    if _called(libc, "prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        if confined(libc, os.getcwd()):
            guards.append("files")
        if filtered(libc):
            guards += ["network", "processes"]
    if alone and "network" not in guards:
        guards.append("network")
    if "network" not in guards:
        no_sockets()
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    sys.stdin = io.StringIO(work["given"])
    sys.argv = ["main.py"]
    print(json.dumps(guards), flush=True)
    exec(compile(work["source"], "main.py", "exec"), {"__name__": "__main__"})


def limited(limits: dict[str, int]) -> list[str]:
    """Set the limits that the system keeps; return `cpu`, `memory` and `sizes`, those of them that hold."""
    held = []
    rows = (
        ("cpu", resource.RLIMIT_CPU, limits["cpu_s"]),
        ("memory", resource.RLIMIT_AS, limits["memory_bytes"]),
        ("sizes", resource.RLIMIT_FSIZE, limits["file_bytes"]),
        ("", resource.RLIMIT_NOFILE, limits["open_files"]),
        ("", resource.RLIMIT_CORE, 0),
        # For root this one does not count; that no process can be started is the filter's doing.
        ("", resource.RLIMIT_NPROC, 1),
    )
    for name, which, most in rows:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(which, (most, most + 1 if name == "cpu" else most))
            # macOS takes a limit of the address space, and does not keep it.
            if name and not (name == "memory" and sys.platform == "darwin"):
                held.append(name)
    return held


def confined(libc: Any, folder: str) -> bool:
    """Leave it the standard library to read and one folder to write (Linux 5.13: Landlock); tell whether it holds."""
    if not sys.platform.startswith("linux") or not hasattr(libc, "syscall"):
        return False
    abi = libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if abi < 1:
        return False
    rights = FILE_RIGHTS_OF_ABI[max(known for known in FILE_RIGHTS_OF_ABI if known <= abi)]
    asked = struct.pack("=Q", rights)
    rules = libc.syscall(LANDLOCK_CREATE, asked, ctypes.c_size_t(len(asked)), 0)
    if rules < 0:
        return False
    prefixes = [os.path.join(sys.base_prefix, part) for part in ("lib", "lib64")]
    readable = [path for path in (*sys.path, *prefixes, *SYSTEM) if path and os.path.exists(path)]
    wanted = [(folder, OWN_FOLDER & rights), *((path, READ_FILE | READ_DIR) for path in readable)]
    for path, may in wanted:
        if not os.path.isdir(path):
            may &= READ_FILE | WRITE_FILE
        if path == os.devnull:
            may |= WRITE_FILE
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("=Qi", may, handle)
        added = libc.syscall(LANDLOCK_ADD, rules, 1, rule, 0)
        os.close(handle)
        if added:
            return False
    return libc.syscall(LANDLOCK_RESTRICT, rules, 0) == 0  # type: ignore[no-any-return]


def filtered(libc: Any) -> bool:
    """Refuse the system calls that reach beyond the process (Linux: seccomp); tell whether it holds."""
    machine = platform.machine()
    if not sys.platform.startswith("linux") or machine not in AUDIT or sys.byteorder != "little":
        return False
    column = list(AUDIT).index(machine)
    rules = program(column, AUDIT[machine], os.getpid())
    # An array of sock_filter, and the sock_fprog that points to it.
    code = ctypes.create_string_buffer(rules, len(rules))
    head = struct.pack("@HP", len(rules) // 8, ctypes.addressof(code))
    return bool(libc.prctl(SET_SECCOMP, FILTER, head, 0, 0) == 0)


def program(column: int, audit: int, own: int) -> bytes:
    """Write the filter in the kernel's classic BPF: eight bytes an instruction."""

    def one(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("=HBBI", code, yes, no, value)

    load, equal, at_least, has, give = 0x20, 0x15, 0x35, 0x45, 0x06
    lines = [one(load, 4), one(equal, audit, 1), one(give, KILL), one(load, 0)]
    if column == 0:
        lines += [one(at_least, X32, 0, 1), one(give, KILL)]
    refused = [(n, EPERM) for n in REFUSED.values()]
    for numbers, answer in [*refused, *((n, ENOSYS) for n in UNKNOWN.values())]:
        number = numbers[column]
        if number is not None:
            lines += [one(equal, number, 0, 1), one(give, ERRNO | answer)]
    for table, allowed in ((OWN_ONLY, (own,)), (LIMIT_OTHERS, (0, own))):
        for pair in table.values():
            # The lower half of the first argument: a process id has no more.
            checks = [
                one(equal, value, len(allowed) - place) for place, value in enumerate(allowed)
            ]
            body = [one(load, 16), *checks, one(give, ERRNO | EPERM), one(give, ALLOW)]
            lines += [one(equal, pair[column], 0, len(body)), *body]
    commands = [one(equal, c, len(SIGNALLING) - k) for k, c in enumerate(SIGNALLING)]
    body = [one(load, 24), *commands, one(give, ALLOW), one(give, ERRNO | EPERM)]
    lines += [one(equal, FCNTL[column], 0, len(body)), *body]
    for place, numbers in OPEN.items():
        number = numbers[column]
        if number is not None:
            emptied = [one(has, EMPTYING, 0, 2), one(has, WRITING, 1), one(give, ERRNO | EPERM)]
            body = [one(load, place), *emptied, one(give, ALLOW)]
            lines += [one(equal, number, 0, len(body)), *body]
    return b"".join([*lines, one(give, ALLOW)])


def no_sockets() -> None:
    """Take the socket module away: a sign on the door, not a lock; `network` is not among the guards then."""
    sys.modules["socket"] = sys.modules["_socket"] = None  # type: ignore[assignment]


def _called(libc: Any, name: str, *arguments: int) -> bool:
    function = getattr(libc, name, None)
    return function is not None and function(*arguments) == 0


if __name__ == "__main__":
    main()
