"""Files that reach the driver otherwise than their worker had them are refused, and nothing gets their name."""

import hashlib
from pathlib import Path

import pytest

from i2s_trt.batch.output_folder import OutputFolder
from i2s_trt.cluster.handed import hand_over
from i2s_trt.cluster.results_folder import ResultsFolder
from i2s_trt.errors import EnvironmentFault


def test_an_output_on_a_shared_disk_is_read_back(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "out", resume=False) as outputs:
        worker = outputs.partial / "w"
        worker.mkdir()
        digest = hashlib.sha256(b"picture").hexdigest()
        (worker / "good.png").write_bytes(b"picture")
        (worker / "bad.png").write_bytes(b"picturf")  # of the same size
        outputs.adopt("good.png", "w", digest)
        with pytest.raises(EnvironmentFault, match=r"bad\.png is not what its worker has written: sha256") as caught:
            outputs.adopt("bad.png", "w", digest)
        assert "--resume" in caught.value.hint
        assert (outputs.partial / "good.png").exists()
        assert not (outputs.partial / "bad.png").exists()


@pytest.mark.parametrize("outputs", ["shared", "driver"])
def test_a_result_that_is_damaged_on_its_way_is_not_placed(tmp_path: Path, outputs: str) -> None:
    results = ResultsFolder(tmp_path / "out", outputs)  # type: ignore[arg-type]
    folder = results.partial / "w" if results.partial else tmp_path / "elsewhere"
    folder.mkdir(parents=True)
    for name in ("a.png", "a.safetensors"):
        (folder / name).write_bytes(name.encode())
    picture, latent = hand_over([folder / "a.png", folder / "a.safetensors"], gives_back=outputs == "driver")
    if latent.data is None:
        (folder / latent.name).write_bytes(b"another")
    else:
        assert not list(folder.iterdir())
        latent = type(latent)(latent.name, latent.sha256, b"another")
    with pytest.raises(EnvironmentFault, match=r"a\.safetensors is not what its worker has made"):
        results.place("w", [picture, latent])
    assert not list((tmp_path / "out").glob("a.*")), "nor the picture before it"
    results.place("w", [picture])
    assert (tmp_path / "out/a.png").read_bytes() == b"a.png"
