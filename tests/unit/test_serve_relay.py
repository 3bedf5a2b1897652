"""An engine's stream, cut wherever the network cuts it."""

import asyncio

import httpx
import pytest

from nightschool.fleet import Lease
from nightschool.models.fake_engine import FakeEngine
from nightschool.serve.relay import Relay

STREAM = b'data: {"a": 1}\r\n\r\ndata: {"b": 2}\r\n\r\ndata: [DONE]\r\n\r\n'


@pytest.mark.parametrize("size", [1, 16, 17, 18, len(STREAM)])
def test_a_stream_is_read_alike_wherever_it_is_cut(size):
    async def cut():
        for start in range(0, len(STREAM), size):
            yield STREAM[start : start + size]

    async def read():
        engine, relay = FakeEngine(), Relay(1.0)
        lease = Lease("default", "base", engine, {}, lambda lease: None)
        events = relay.events(lease, httpx.Response(200, content=cut()))
        found = [event async for part in events for event in part]
        await relay.close()
        engine.close()
        return found

    assert asyncio.run(read()) == [{"a": 1}, {"b": 2}]
