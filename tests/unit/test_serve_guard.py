"""What a request may call the service, and from which page it may come."""

import pytest

from nightschool.errors import BadRequest, CallerRefused
from nightschool.serve.guard import check_headers


def scope(*headers, method="POST"):
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return {"type": "http", "method": method, "headers": pairs}


HOST = ("host", "127.0.0.1:8000")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000"])
def test_names_of_this_machine_are_its_own(host):
    check_headers(scope(("host", host)), loopback=True)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "evil@127.0.0.2", "0.0.0.0"]
)
def test_other_names_are_refused_on_loopback_only(host):
    with pytest.raises(CallerRefused, match="listens to this machine"):
        check_headers(scope(("host", host)), loopback=True)
    check_headers(scope(("host", host)), loopback=False)


def test_a_page_of_another_origin_is_refused():
    check_headers(scope(HOST, ("origin", "http://127.0.0.1:8000")), loopback=True)
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9000", "", "http://["):
        with pytest.raises(CallerRefused, match="another origin"):
            check_headers(scope(HOST, ("origin", origin)), loopback=True)
    with pytest.raises(CallerRefused):
        check_headers(scope(HOST, ("sec-fetch-site", "cross-site")), loopback=False)


@pytest.mark.parametrize(
    "headers",
    [
        (HOST, HOST),
        (HOST, ("authorization", "Bearer a"), ("authorization", "Bearer b")),
        (HOST, ("content-length", "1"), ("content-length", "2")),
        (HOST, ("content-length", "1"), ("transfer-encoding", "chunked")),
    ],
)
def test_a_header_that_two_readers_take_differently_is_refused(headers):
    with pytest.raises(BadRequest):
        check_headers(scope(*headers), loopback=True)
