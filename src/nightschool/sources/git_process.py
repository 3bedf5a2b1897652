"""Running git without anybody's settings: the user's, the system's, and those of a repository that is read."""

from __future__ import annotations

import os
import shutil
import subprocess

from nightschool.errors import SourceUnreadable

READ_S = 120
SAFE = (
    "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.sshCommand=false",
    "-c", "core.askPass=true", "-c", "credential.helper=", "-c", "http.followRedirects=false",
    "-c", "protocol.allow=never", "-c", "submodule.recurse=false", "-c", "gc.auto=0",
    "-c", "maintenance.auto=false", "-c", "fetch.fsckObjects=true", "--literal-pathspecs", "--no-pager",
)  # fmt: skip
PASSED_ON = (
    "PATH", "TMPDIR", "SYSTEMROOT", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY",
    "GIT_SSL_CAINFO", "SSL_CERT_FILE",
)  # fmt: skip


def program() -> str:
    """Return where git is. Raises SourceUnreadable where it is not installed."""
    found = shutil.which("git")
    if found is None:
        raise SourceUnreadable("git is not installed. Install it to learn from repositories.")
    return found


def environment(allow: str = "") -> dict[str, str]:
    """Return what git may see of the environment; `allow` is the one transport that it may use."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
        "HOME": os.devnull, "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": allow or "none",
    }  # fmt: skip


def run(
    arguments: list[str],
    *,
    check: bool = True,
    timeout: int = READ_S,
    allow: str = "",
    largest: int | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run git to its end, without asking anybody anything.

    Args:
        arguments: What follows `git`.
        check: Take a failure for an error.
        timeout: Seconds.
        allow: The one transport that it may use; empty: none.
        largest: Bytes of the largest file that it may write, where the machine can hold it to that; None: any.

    Raises:
        SourceUnreadable: It failed, or took longer than `timeout` seconds.
    """
    command = [program(), *SAFE, *arguments]
    if largest is not None and (limiter := shutil.which("prlimit")):
        command = [limiter, f"--fsize={largest}", *command]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            env=environment(allow),
        )
    except subprocess.TimeoutExpired as error:
        raise SourceUnreadable(
            f"git took more than {timeout} s for {arguments[1]}. Try again, or learn from a local clone."
        ) from error
    if check and done.returncode:
        raise SourceUnreadable(f"git failed: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done
