"""The project's errors: one family, each saying what is wrong, where, and a hint."""

EXIT_SOME_FAILED = 1
EXIT_USAGE = 2
EXIT_ENVIRONMENT = 3
EXIT_INTERRUPTED = 130


class I2sError(Exception):
    """Anything a user can put right. `exit_code` is what the command line leaves with.

    Args:
        message: what is wrong, and where.
        hint: what to do about it, a sentence or a command.
    """

    exit_code = EXIT_USAGE

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\n  hint: {self.hint}" if self.hint else message


class UsageError(I2sError):
    """An option or argument that makes no sense."""


class ModelError(I2sError):
    """A model that is unknown, or weights that do not fit together."""


class CheckpointError(ModelError):
    """A checkpoint file that cannot be read: hostile, broken, or of another architecture."""


class ImageError(I2sError):
    """A picture that cannot be read."""


class LatentError(I2sError):
    """A latent file that cannot be read or that belongs to another model."""


class EnvironmentFault(I2sError):
    """The machine's fault: a full disk, a folder that cannot be written, a package or device that is missing."""

    exit_code = EXIT_ENVIRONMENT
