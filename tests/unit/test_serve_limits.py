"""Rates and bodies: what is refused, and after how long it is not."""

import asyncio

import pytest
from starlette.datastructures import Headers

from nightschool.errors import BadRequest, RateExceeded, TooLarge
from nightschool.serve.limits import Rates, read_body


def test_a_minutes_requests_may_come_at_once_and_then_one_by_one():
    rates = Rates()
    for _ in range(6):
        rates.take("key", 6, 100.0)
    with pytest.raises(RateExceeded, match=r"6 requests a minute. Wait 10\.0 s"):
        rates.take("key", 6, 105.0)
    rates.take("key", 6, 110.5)
    with pytest.raises(RateExceeded):
        rates.take("key", 6, 111.0)
    rates.take("other", 6, 111.0)


def body(parts, length=None, seconds=5.0, most=10):
    async def read():
        waiting = iter(parts)

        async def receive():
            part = next(waiting, None)
            if part is None:
                await asyncio.sleep(60)
            if part == "gone":
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": part[0], "more_body": part[1]}

        headers = Headers({} if length is None else {"content-length": length})
        return await read_body(headers, receive, most, seconds)

    return asyncio.run(read())


def test_a_body_comes_whole():
    assert body([(b"abc", True), (b"de", False)]) == b"abcde"


@pytest.mark.parametrize(
    ("parts", "length", "error"),
    [
        ([(b"x" * 6, True), (b"x" * 6, False)], None, TooLarge),
        ([(b"", False)], "11", TooLarge),
        ([(b"", False)], "9" * 100, TooLarge),
        ([(b"", False)], "-1", BadRequest),
        ([(b"", False)], "²", BadRequest),
        ([(b"a", True), "gone"], None, BadRequest),
    ],
)
def test_a_body_that_is_refused(parts, length, error):
    with pytest.raises(error):
        body(parts, length)


def test_a_body_that_does_not_arrive():
    with pytest.raises(BadRequest, match="took longer"):
        body([(b"a", True)], seconds=0.05)
