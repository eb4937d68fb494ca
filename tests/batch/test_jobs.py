"""What a batch makes: names that never collide, keys that know everything that matters."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2s_trt.batch.jobs import BatchLatent, collect_latents, jobs_of
from i2s_trt.edit.recipe.load import Variant
from i2s_trt.edit.sources import LatentSource
from i2s_trt.errors import LatentError, UsageError
from i2s_trt.models.generator import Generator
from i2s_trt.seeds import w_plus_from_seed
from tests.batch.support import latents, prepare, source


def test_files_folders_and_files_of_several(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    values = latents(4)
    np.save(tmp_path / "folder/b.npy", values[1])
    np.save(tmp_path / "folder/a.npy", values[0])
    (tmp_path / "folder/notes.txt").write_text("no latent")
    np.save(tmp_path / "many.npy", values[2:])
    found = collect_latents([tmp_path / "folder", tmp_path / "many.npy"], [], source())
    assert [latent.name for latent in found] == ["a", "b", "many_0000", "many_0001"]
    assert [latent.source for latent in found][-1] == f"{tmp_path / 'many.npy'}[1]"
    for latent, value in zip(found, values, strict=True):
        np.testing.assert_array_equal(latent.read(), value)


def test_names_are_unique_whatever_the_files_are_called(tmp_path: Path) -> None:
    for name in ("x/many", "x/Face", "y/face", "z/face", "x/many_0000", "x/face_2"):
        path = tmp_path / f"{name}.npy"
        path.parent.mkdir(exist_ok=True)
        np.save(path, latents(2) if name == "x/many" else latents(1)[0])
    files = [tmp_path / f"{n}.npy" for n in ("x/many", "x/many_0000", "x/Face", "y/face", "z/face", "x/face_2")]
    found = collect_latents(files, [], source())
    assert [latent.name for latent in found] == [
        "many_0000", "many_0001", "many_0000_2", "Face", "face_2", "face_3", "face_2_2",
    ]  # fmt: skip


def test_seeds_are_drawn_from_the_model(toy: Generator) -> None:
    found = collect_latents([], [3, 5], LatentSource.of(toy))
    assert [latent.name for latent in found] == ["seed0003", "seed0005"]
    np.testing.assert_array_equal(found[1].read(), w_plus_from_seed(toy, 5))
    assert found[0].digest != found[1].digest


def test_what_cannot_be_read_fails_when_its_turn_comes(tmp_path: Path) -> None:
    (tmp_path / "broken.npy").write_bytes(b"broken")
    np.save(tmp_path / "small.npy", latents(1)[0][:, :5])
    found = collect_latents([tmp_path / "broken.npy", tmp_path / "small.npy", tmp_path / "none.npy"], [], source())
    for latent, words in zip(found, ("holds pickled objects", "shape", "cannot be read"), strict=True):
        assert latent.digest == ""
        with pytest.raises(LatentError, match=words):
            latent.read()


def test_a_latent_that_changed_meanwhile_is_not_taken_for_the_old_one(tmp_path: Path) -> None:
    (first, second), _ = prepare(tmp_path, 2)
    np.save(tmp_path / "face0.npy", latents(1, seed=9)[0])
    second.read()
    with pytest.raises(LatentError, match="has changed since the batch began"):
        first.read()


def test_nothing_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no latents"):
        collect_latents([tmp_path], [], source())


def latent(name: str, digest: str = "d") -> BatchLatent:
    return BatchLatent(name, name, digest, lambda: latents(1)[0])


def variant(name: str, digest: str = "v") -> Variant:
    return Variant(name, name, name, {}, digest, lambda w_plus: w_plus)


names = st.text("ab-_", min_size=1, max_size=6)


@given(st.sets(names), st.sets(st.text("ab_", min_size=1, max_size=4)))
def test_outputs_never_share_a_name(of_latents: set[str], of_variants: set[str]) -> None:
    variants = [variant(name) for name in sorted(of_variants)]
    outputs = [job.output for name in sorted(of_latents) for job in jobs_of(latent(name), variants, ".png", "")]
    assert len(set(outputs)) == len(outputs) == len(of_latents) * len(of_variants)


def test_keys_know_latent_edit_and_setting() -> None:
    def key(of_latent: BatchLatent, of_variant: Variant, setting: str) -> str:
        return jobs_of(of_latent, [of_variant], ".png", setting)[0].key

    keys = [
        key(latent("a"), variant("x"), "s"),
        key(latent("a", "other"), variant("x"), "s"),
        key(latent("a"), variant("x", "other"), "s"),
        key(latent("a"), variant("x"), "other"),
    ]
    assert len(set(keys)) == 4
    assert key(latent("b"), variant("y"), "s") == keys[0]
