"""How many workers there are: as many as were asked for, or an error that names the option."""

import pytest

from i2s_trt.cluster.options import ClusterOptions, cluster_options
from i2s_trt.cluster.room import gpus_of_each, local_workers, workers_on
from i2s_trt.errors import UsageError

HOST = "10.0.0.1:6379"


def workers(options: ClusterOptions, *nodes: dict[str, float], device: str = "auto") -> tuple[int, float]:
    gpus = gpus_of_each(nodes, options, device)
    return workers_on(nodes, options, gpus), gpus


@pytest.mark.parametrize("cpus", [0.0, 0.5, 1.0, 4.0])
def test_as_many_as_local_names(cpus: float) -> None:
    assert workers(cluster_options("local:3", cpus=cpus), {"CPU": max(1, 3 * cpus)}) == (3, 0.0)


@pytest.mark.parametrize(("count", "share"), [(1, 1.0), (2, 1.0), (3, 0.5), (4, 0.5), (5, 1 / 3)])
def test_named_workers_share_the_gpus_that_are_here(count: int, share: float) -> None:
    options = cluster_options(f"local:{count}")
    assert workers(options, {"CPU": count, "GPU": 2}) == (count, share)
    assert workers(options, {"CPU": count, "GPU": 2}, device="cpu") == (count, 0.0)


def test_more_than_there_is_room_for_is_refused() -> None:
    with pytest.raises(UsageError, match=r"local:4 with 1 cores and 1 GPUs each: there is room for 2") as caught:
        workers(cluster_options("local:4", gpus=1.0), {"CPU": 4, "GPU": 2})
    assert "--worker-gpus" in caught.value.hint
    with pytest.raises(UsageError, match="no machine of the cluster has 8 cores"):
        workers(cluster_options(HOST, cpus=8), {"CPU": 4})


def test_workers_that_ask_for_nothing_are_one_a_machine_or_as_many_as_are_named() -> None:
    assert workers(cluster_options(HOST, cpus=0), {"CPU": 4}, {"CPU": 4}) == (2, 0.0)
    assert workers(cluster_options(HOST, workers=7, cpus=0), {"CPU": 4}) == (7, 0.0)
    assert workers(cluster_options(HOST, workers=7), {"CPU": 4}) == (4, 0.0)
    assert 1 <= local_workers(cluster_options("local", cpus=0)) <= 64
    assert local_workers(cluster_options("local", workers=1)) == 1


def test_workers_have_no_meaning_beside_local_n() -> None:
    with pytest.raises(UsageError, match="--workers 3 beside --cluster local:2") as caught:
        cluster_options("local:2", workers=3)
    assert "local:3" in caught.value.hint


@pytest.mark.parametrize("port", [0, 65536, 99999])
def test_ports_that_are_none(port: int) -> None:
    with pytest.raises(UsageError, match="there is no such port"):
        cluster_options(f"10.0.0.1:{port}")
