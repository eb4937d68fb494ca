"""Whatever is sent to any route of the schema, no answer is a server's error, and each error is a value."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.studio.conftest import Served

_EXAMPLES = 10


def test_no_request_is_answered_with_a_servers_error(served: Served) -> None:
    schema: Any = schemathesis.openapi.from_dict(served.json("GET", "/openapi.json"))
    schema.config.update(base_url=f"http://{served.host}")
    count = 0
    for result in schema.get_all_operations():
        _try_out(result.ok())
        count += 1
    assert count >= 20


def _try_out(operation: Any) -> None:
    @settings(max_examples=_EXAMPLES, database=None, phases=[Phase.explicit, Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        answer = case.call()
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert set(answer.json()) == {"error", "hint"}

    ask()
