"""Every operation of the OpenAPI schema over real HTTP, with data that fits it and data that does not."""

from unittest import SkipTest

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable

schemathesis = pytest.importorskip("schemathesis")

from schemathesis.specs.openapi.checks import positive_data_acceptance  # noqa: E402

EXAMPLES = 3
"""Of each operation and kind of data."""
BEYOND = [positive_data_acceptance]
"""A request may fit the schema and be refused: a picture by address, a grammar nested too deep."""


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_no_request_breaks_the_service_and_answers_are_as_the_schema_says(hosted, running, mode):
    own = hosted("[serve]\nrequests_per_minute = 100000\n")
    _, token = own.house.keys.create("ada", "", ("admin",))
    chosen = schemathesis.GenerationMode(mode)
    codes = []
    with running(own.house) as url:
        told = httpx.get(f"{url}/openapi.json").json()
        for operation in [op for path in told["paths"].values() for op in path.values()]:
            operation.pop("security", None)  # every request here has the key
        schema = schemathesis.openapi.from_dict(told)
        for found in schema.get_all_operations():
            try:
                _send(found.ok(), chosen, url, token, codes)
            except (Unsatisfiable, SkipTest):  # nothing can be wrong with it
                continue
    assert len(codes) > 50
    assert max(codes) < 500
    assert own.house.fleet.leases() == 0


def _send(operation, mode, url, token, codes):
    @seed(1)
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case):
        headers = {"Authorization": f"Bearer {token}"}
        reply = case.call(base_url=url, headers=headers, timeout=20)
        codes.append(reply.status_code)
        case.validate_response(reply, headers=headers, excluded_checks=BEYOND)

    send()
