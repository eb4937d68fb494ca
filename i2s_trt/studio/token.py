"""The token that visitors show: the user's own, or one that is kept in the shelf's folder for those from elsewhere."""

import os
import re
import secrets
from pathlib import Path

from i2s_trt.errors import UsageError
from i2s_trt.files import guard_os_errors

VARIABLE, FILE = "I2S_TRT_TOKEN", ".token"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}")
_MODE = 0o600  # its owner alone reads it


def own_token() -> str:
    """The token in the environment; empty where there is none. Raises UsageError for one that is easily guessed."""
    token = os.environ.get(VARIABLE, "")
    if token and not _TOKEN.fullmatch(token):
        raise UsageError(
            f"{VARIABLE} cannot be a token", "take 16 to 200 letters, digits, _ and -, as `openssl rand -hex 16` makes"
        )
    return token


def kept_token(folder: Path) -> str:
    """The token in a folder, which is made once: pages that are open stay so when the studio is started again.

    Raises:
        EnvironmentFault: it cannot be read or written.
    """
    path = folder / FILE
    with guard_os_errors(path):
        token = path.read_text(errors="replace").strip() if path.is_file() else ""
        if _TOKEN.fullmatch(token):
            path.chmod(_MODE)
            return token
        path.unlink(missing_ok=True)
        token = secrets.token_urlsafe(24)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "w") as stream:
            stream.write(token + "\n")
    return token
