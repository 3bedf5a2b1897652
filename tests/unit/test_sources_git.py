"""A commit is read from the object database as a checkout would show it, and nothing of the repository is run."""

import os
import shutil
import ssl
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightschool.errors import SourceUnreadable
from nightschool.sources import git
from nightschool.sources.addresses import parse_address
from nightschool.sources.git import Repository, tally


def contents(address):
    with Repository(address) as repository:
        listing = repository.listing()
        return {path: repository.read(entry) for path, entry in listing.entries.items()}


NAMES = st.text("abcäß._- @'\"é漢", min_size=1, max_size=6).filter(lambda n: n.strip(". ") == n)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@settings(max_examples=25)
@given(st.dictionaries(PATHS, st.binary(max_size=60), min_size=1, max_size=5))
def test_reading_a_commit_equals_reading_a_checkout_of_it(files):
    paths = list(files)
    if any(a != b and b.startswith(f"{a}/") for a in paths for b in paths):
        return  # a file and a folder of one name
    with tempfile.TemporaryDirectory() as name:
        made, checkout = Path(name) / "made", Path(name) / "checkout"
        made.mkdir()
        for path, content in files.items():
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            (made / path).write_bytes(content)
        who = ["-c", "user.name=a", "-c", "user.email=a", "-c", "core.autocrlf=false"]
        for command in (
            ["init", "-q"],
            ["add", "-Af"],
            ["commit", "-qm", "x"],
            ["clone", "-q", ".", checkout],
        ):
            subprocess.run(["git", *who, *command], cwd=made, check=True, capture_output=True)
        there = {
            p.relative_to(checkout).as_posix(): p.read_bytes()
            for p in checkout.rglob("*")
            if p.is_file() and ".git" not in p.relative_to(checkout).parts[0]
        }
        assert contents(f"git+file://{made}") == there == files


def test_branches_tags_and_commits(git_folder):
    first = git_folder.commit({"a.txt": "one"})
    git_folder.git("tag", "-a", "v1", "-m", "x")
    git_folder.git("switch", "-qc", "feature/two@work")
    git_folder.commit({"a.txt": "two"})
    git_folder.git("switch", "-q", "main")
    for branch, text in (
        ("", b"one"),
        ("@main", b"one"),
        ("@v1", b"one"),
        (f"@{first}", b"one"),
        ("@feature/two@work", b"two"),
    ):
        assert contents(git_folder.address + branch) == {"a.txt": text}
    with Repository(git_folder.address) as repository:
        assert repository.source == f"{git_folder.address}@main"
    git_folder.git("checkout", "-q", first)
    with Repository(git_folder.address) as repository:
        assert (repository.branch, repository.commit) == ("HEAD", first)


def test_bare_repositories_worktrees_and_a_path_with_an_at_and_a_blank(git_folder, tmp_path):
    git_folder.commit({"a.txt": "one"})
    bare = tmp_path / "a @home" / "kit.git"
    git_folder.git("clone", "-q", "--bare", ".", str(bare))
    git_folder.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    assert contents(f"git+file://{tmp_path}/a%20@home/kit.git@main") == {"a.txt": b"one"}
    assert contents(f"git+file://{tmp_path}/tree") == {"a.txt": b"one"}
    with Repository(f"git+file://{bare}") as repository:
        assert repository.name == "kit"


def test_what_is_no_repository_is_told(git_folder, tmp_path):
    (tmp_path / "plain").mkdir()
    for address, said in (
        (f"git+file://{tmp_path}/none", "does not exist"),
        (f"git+file://{tmp_path}/plain", "not a git repository"),
        (git_folder.address, "no commit yet"),
        ("git+file://relative", "three slashes"),
        ("git+ssh://host/x", "is not read"),
        ("git+https://user:word@host/x", "password"),
    ):
        with pytest.raises(SourceUnreadable, match=said):
            Repository(address)
    git_folder.commit({"a": "x"})
    with pytest.raises(
        SourceUnreadable, match=r"no branch, tag or commit 'nope'\. Its branches: main"
    ):
        Repository(f"{git_folder.address}@nope")
    with pytest.raises(SourceUnreadable, match="no branch"):
        Repository(f"{git_folder.address}@--upload-pack=evil")


def test_links_submodules_and_names_that_do_not_fit_a_line_are_counted(git_folder):
    git_folder.commit({"a.txt": "one", "new\nline.py": "x", "ok.txt": "y"})
    os.symlink("/etc/passwd", git_folder.path / "link.md")
    (git_folder.path / os.fsdecode(b"caf\xe9.txt")).write_text("z")
    git_folder.git("add", "-A")
    oid = git_folder.git("rev-parse", "HEAD")
    git_folder.git("update-index", "--add", "--cacheinfo", f"160000,{oid},inner")
    git_folder.git("commit", "-qm", "y")
    with Repository(git_folder.address) as repository:
        listing = repository.listing()
    assert sorted(listing.entries) == ["a.txt", "ok.txt"]
    skipped = {reason: names for names, reason in tally(listing.skipped)}
    assert skipped["symbolic links are not followed"] == "link.md"
    assert skipped["submodules are not read; learn them by their own address"] == "inner"
    assert "\n" not in skipped["its name is not plain UTF-8 text"]


def test_a_tree_may_not_lead_out_of_itself(git_folder):
    git_folder.commit({"a.txt": "one"})
    blob = git_folder.git("rev-parse", "HEAD:a.txt")
    inner = git_folder.git("mktree", input=f"100644 blob {blob}\tx\n".encode())
    raw = b"40000 ..\0" + bytes.fromhex(inner)
    tree = git_folder.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", input=raw)
    commit = git_folder.git("commit-tree", tree, "-m", "x")
    with Repository(f"{git_folder.address}@{commit}") as repository:
        listing = repository.listing()
    assert not listing.entries
    assert sum(map(len, listing.skipped.values())) == 1


def test_nothing_of_the_repository_is_run(git_folder, tmp_path):
    git_folder.commit({"a.py": "x = 1\n", ".gitattributes": "*.py filter=evil diff=evil\n"})
    ran = tmp_path / "ran"
    evil = tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    evil.chmod(0o755)
    for key in ("core.fsmonitor", "core.sshCommand", "core.pager", "filter.evil.smudge", "diff.evil.textconv",
                "core.askPass", "remote.origin.uploadpack", "uploadpack.packObjectsHook", "diff.external"):  # fmt: skip
        git_folder.git("config", key, str(evil))
    for hook in ("post-checkout", "reference-transaction", "pre-auto-gc", "fsmonitor-watchman"):
        shutil.copy(evil, git_folder.path / ".git/hooks" / hook)
    git_folder.git("config", "core.hooksPath", str(git_folder.path / ".git/hooks"))
    ran.unlink(missing_ok=True)
    with Repository(git_folder.address) as repository:
        assert repository.read(repository.listing().entries["a.py"]) == b"x = 1\n"
        repository.last_change("a.py", repository.commit)
    assert not ran.exists()


def test_what_a_partial_clone_lacks_is_not_fetched(git_folder, tmp_path):
    git_folder.commit({"a.py": "x = 1\n" * 50, "b.py": "y = 2\n"})
    git_folder.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "partial"
    git_folder.git(
        "clone", "-q", "--bare", "--filter=blob:limit=20", git_folder.address[4:], str(clone)
    )
    ran = tmp_path / "ran"
    subprocess.run(
        ["git", "config", "remote.origin.uploadpack", f"touch {ran};git-upload-pack"],
        cwd=clone,
        check=True,
    )
    with Repository(f"git+file://{clone}") as repository:
        listing = repository.listing()
    assert (list(listing.entries), list(listing.skipped.values())) == (["b.py"], [["a.py"]])
    assert not ran.exists()


def test_a_tree_that_names_a_billion_files_is_refused(git_folder, monkeypatch):
    monkeypatch.setattr(git, "MOST_FILES", 500)
    git_folder.commit({"a.txt": "one"})
    oid, kind = git_folder.git("rev-parse", "HEAD:a.txt"), "100644 blob"
    for _ in range(9):
        rows = "".join(f"{kind} {oid}\tf{k}\n" for k in range(10))
        oid, kind = git_folder.git("mktree", input=rows.encode()), "040000 tree"
    commit = git_folder.git("commit-tree", oid, "-m", "x")
    with (
        Repository(f"{git_folder.address}@{commit}") as repository,
        pytest.raises(SourceUnreadable, match="more than 500"),
    ):
        repository.listing()


def test_a_damaged_object_is_told_and_the_others_are_read(git_folder):
    git_folder.commit({"a.txt": "one", "b.txt": "two"})
    oid = git_folder.git("rev-parse", "HEAD:a.txt")
    place = git_folder.path / ".git/objects" / oid[:2] / oid[2:]
    with Repository(git_folder.address) as repository:
        entries = repository.listing().entries
        place.chmod(0o644)
        place.write_bytes(b"not zlib")
        with pytest.raises(SourceUnreadable, match=r"a\.txt"):
            repository.read(entries["a.txt"])
        assert repository.read(entries["b.txt"]) == b"two"


def test_the_commit_that_changed_a_file_last_is_named(git_folder):
    first = git_folder.commit({"a.txt": "1", "b.txt": "1"})
    second = git_folder.commit({"a.txt": "2"})
    third = git_folder.commit({"b.txt": "2"})
    with Repository(git_folder.address) as repository:
        assert repository.last_change("a.txt", first) == second
        assert repository.last_change("b.txt", first) == third
        assert repository.last_change("gone.txt", "0" * 40) == third


def test_an_https_address_keeps_its_branch():
    address = parse_address("git+https://host.example/team/kit.git@release/2")
    assert (address.url, address.branch) == ("https://host.example/team/kit.git", "release/2")
    assert address.remote


def test_a_fetch_that_fails_says_why():
    with pytest.raises(SourceUnreadable, match="could not be fetched"):
        Repository("git+https://127.0.0.1:9/kit")


class Backend(BaseHTTPRequestHandler):
    """git's own HTTP server program behind a TLS socket."""

    root = ""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        given = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": self.root, "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
            "QUERY_STRING": query, "REQUEST_METHOD": self.command, "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }  # fmt: skip
        done = subprocess.run(["git", "http-backend"], input=body, env=given, capture_output=True)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        rows = [line.split(": ", 1) for line in head.decode().splitlines()]
        self.send_response(int(dict(rows).get("Status", "200")[:3]))
        for name, value in rows:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)

    do_POST = do_GET

    def log_message(self, *_):
        """Say nothing."""


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl for a certificate")
def test_https_fetches_one_commit_and_the_one_read_before(git_folder, tmp_path, monkeypatch):
    first = git_folder.commit({"a.txt": "one"})
    git_folder.commit({"a.txt": "two"})
    third = git_folder.commit({"a.txt": "three", "b.txt": "new"})
    git_folder.git("config", "uploadpack.allowReachableSHA1InWant", "true")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    subprocess.run(command.split(), check=True, capture_output=True)
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Served", (Backend,), {"root": str(tmp_path)})
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate))
    monkeypatch.setenv("no_proxy", "localhost")
    monkeypatch.setenv("NO_PROXY", "localhost")
    address = f"git+https://localhost:{server.server_port}/project/.git"
    try:
        with Repository(address) as repository:
            assert (repository.source, repository.commit) == (f"{address}@main", third)
            entries = repository.listing().entries
            assert repository.read(entries["b.txt"]) == b"new"
            assert not repository.has(first)  # its history stays where it is
            repository.fetch(first)
            assert repository.read(repository.listing(first).entries["a.txt"]) == b"one"
            assert repository.last_change("a.txt", first) == third
        with pytest.raises(SourceUnreadable, match="could not be fetched"):
            Repository(f"{address}@nope")
    finally:
        server.shutdown()
        server.server_close()
