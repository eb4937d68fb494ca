"""Today's embeddings and edits are those of tests/data/golden.npz, up to the rounding of another machine."""

import numpy as np

from tests.golden import DATA, golden

_STEPS = 3  # with which the file was made


def test_nothing_has_changed() -> None:
    with np.load(DATA / "golden.npz") as archive:
        wanted = {name: archive[name] for name in archive.files}
    ours = golden(_STEPS, rough=False)
    assert ours.keys() == wanted.keys()
    for name, array in wanted.items():
        off = 1 if array.dtype == np.uint8 else 1e-3 * np.abs(array).max(initial=0.0)
        np.testing.assert_allclose(ours[name].astype(float), array.astype(float), rtol=1e-3, atol=off, err_msg=name)
