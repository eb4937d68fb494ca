"""Which models draw faces, so that photographs for them are aligned."""

import re

from i2s_trt.checkpoints.catalogue import DEMO, find_folder, read_info

_FACES = re.compile(r"ffhq|celeba|face|portrait", re.IGNORECASE)


def draws_faces(model: str) -> bool:
    """Whether a model's name, or where its weights come from, says that it draws faces.

    Args:
        model: a name in the store, a model folder or a checkpoint file.

    Raises:
        ModelError: the model's description is damaged.
    """
    if model == DEMO:
        return True
    folder = find_folder(model)
    if folder is None:
        return bool(_FACES.search(model))
    info = read_info(folder)
    return bool(_FACES.search(f"{info.name} {info.source}"))
