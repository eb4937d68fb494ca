"""Joining a cluster: what is none, and what has no room."""

from typing import Any

import pytest

from i2s_trt.cluster.join import joined
from i2s_trt.cluster.options import cluster_options
from i2s_trt.errors import EnvironmentFault, UsageError


@pytest.mark.parametrize("address", ["locale", "local:0", "host", "host:port", "ray://host:10001", ""])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(UsageError, match="--cluster"):
        cluster_options(address)


@pytest.mark.parametrize("cpus", [-1.0, 1.5, float("nan")])
def test_shares_that_ray_does_not_give(cpus: float) -> None:
    with pytest.raises(UsageError, match="--worker-cpus"):
        cluster_options("local", cpus=cpus)


def test_a_cluster_that_does_not_answer() -> None:
    with pytest.raises(EnvironmentFault, match="no cluster at --cluster"), joined(cluster_options("127.0.0.1:9")):
        pass


def test_too_large_workers(machines: Any) -> None:
    with pytest.raises(UsageError, match="64 cores"), joined(cluster_options(machines.address, cpus=64)):
        pass
