"""Machines and folders that can have no part in a cluster, and Ray where nobody asks for it."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import i2s_trt
from i2s_trt import __version__
from i2s_trt.checkpoints.catalogue import ModelInfo
from i2s_trt.checkpoints.store import save_model
from i2s_trt.cluster.actor import Actor
from i2s_trt.cluster.join import joined
from i2s_trt.cluster.model import ModelParcel, unpack_model
from i2s_trt.cluster.options import WorkerPlan, cluster_options
from i2s_trt.cluster.tasks import Bench
from i2s_trt.errors import EnvironmentFault, ModelError
from i2s_trt.models.random_weights import random_weights, stylegan2_spec
from tests.cluster.conftest import start_machines
from tests.cluster.models import SPEC
from tests.conftest import Run, command

RECIPE = '[[edit]]\nname = "m"\noperation = "truncation"\npsi = 0.5\n'


def older_package(folder: Path) -> Path:
    """A folder to find i2s_trt 0.0.9 in, which is this one but for that."""
    real, older = Path(i2s_trt.__file__).parent, folder / "older/i2s_trt"
    older.mkdir(parents=True)
    for path in real.iterdir():
        (older / path.name).symlink_to(path)
    (older / "__init__.py").unlink()
    (older / "__init__.py").write_text((real / "__init__.py").read_text().replace(__version__, "0.0.9"))
    return older.parent


@pytest.mark.slow
def test_another_version_is_refused_with_both_named(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    found = start_machines(1)
    try:
        found.add_node(num_cpus=1, node_name="old", env_vars={"PYTHONPATH": str(older_package(tmp_path))})
        edit = ["edit", "r.toml", "--seeds", "1", "--model", "random-16", "-o", "out", "--cluster", found.address]
        run = subprocess.run(command(edit), cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    finally:
        found.shutdown()
    assert run.returncode == 3, run.stderr
    assert f"error: old has i2s-trt 0.0.9, and the driver {__version__}" in run.stderr
    assert "install the same version" in run.stderr


def test_another_model_of_the_same_name_is_refused_with_both_named(own_home: Path) -> None:
    weights, other = random_weights(SPEC, seed=3), random_weights(SPEC, seed=4)
    save_model(own_home / "models/mine", ModelInfo("mine", SPEC, other.digest(), "test"), other)
    parcel = ModelParcel("mine", ModelInfo("mine", SPEC, weights.digest(), "test"))
    with pytest.raises(ModelError, match=f"{other.digest()[:12]}.*{weights.digest()[:12]}"):
        unpack_model(parcel)
    assert unpack_model(replace(parcel, info=replace(parcel.info, digest=other.digest()))).endswith("mine")


def test_one_network_with_another_truncation_is_another_model(own_home: Path) -> None:
    """A StyleGAN2's digest does not tell it, and samples by seed differ."""
    spec = stylegan2_spec(8, 4, 6)
    weights = random_weights(spec, seed=3)
    info = ModelInfo("mine", spec, weights.digest(), "test")
    save_model(own_home / "models/mine", info, weights)
    assert unpack_model(ModelParcel("mine", info)).endswith("mine")
    calmer = replace(info, spec=replace(spec, truncation_psi=0.5))
    save_model(own_home / "models/calmer", calmer, weights)
    assert unpack_model(ModelParcel("mine", calmer)).endswith("calmer")


def test_a_folder_that_is_not_shared_is_named() -> None:
    with pytest.raises(EnvironmentFault, match="does not see the output folder /nowhere") as caught:
        Actor().open(WorkerPlan("none:none"), None, Bench("w", Path("/nowhere/.partial/w")))
    assert "--outputs driver" in caught.value.hint


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EnvironmentFault, match="needs the package ray"), joined(cluster_options("local")):
        pass


def test_options_of_a_cluster_need_one(i2s: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    run = i2s("edit", "r.toml", "--seeds", "1", "--outputs", "driver")
    assert (run.code, "add --cluster" in run.err) == (2, True)


def test_nothing_imports_ray_that_does_not_use_it() -> None:
    used = "cli.main, cli.edit, cli.experiment, i2s_trt.batch.runner, benchmarks.paper.bench"
    code = f"import sys, {used}; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
