"""Public files that `i2s-trt models pull` can fetch, with their digests."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from i2s_trt.errors import EnvironmentFault, UsageError
from i2s_trt.files import guard_os_errors, home, make_folder

_DRIVE = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="
_ADA = "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/"
_CONFIG_F = "https://nvlabs-fi-cdn.nvidia.com/stylegan2/networks/"
_NGC = "https://api.ngc.nvidia.com/v2/models/nvidia/research/stylegan2/versions/1/files/"
Progress = Callable[[int, int], None]
_NVIDIA_LICENCE = "CC BY-NC 4.0, NVIDIA (Karras, Laine, Aila 2019)"
_CONFIG_F_LICENCE = "NVIDIA Source Code License-NC (github.com/NVlabs/stylegan2)"
_ADA_LICENCE = "NVIDIA Source Code License (github.com/NVlabs/stylegan2-ada-pytorch)"
_NGC_LICENCE = "NVIDIA Source Code License (github.com/NVlabs/stylegan3)"


@dataclass(frozen=True)
class Source:
    """A file somebody publishes.

    Attributes:
        file: name under which it is kept.
        url: where it is.
        digest: `algorithm:hex`, checked after the download; empty where none is known.
        crop: picture rows of a landscape model.
        licence: of the weights; the user accepts it by downloading.
        is_generator: False for VGG-16's weights.
    """

    file: str
    url: str
    digest: str
    licence: str = _NVIDIA_LICENCE
    crop: tuple[int, int] | None = None
    is_generator: bool = True


def _ada(name: str) -> Source:
    return Source(f"{name}.pkl", f"{_ADA}{name}.pkl", digest="", licence=_ADA_LICENCE)


def _config_f(name: str, crop: tuple[int, int] | None = None) -> Source:
    file = f"stylegan2-{name}-config-f.pkl"
    return Source(file, f"{_CONFIG_F}{file}", digest="", licence=_CONFIG_F_LICENCE, crop=crop)


def _ngc(name: str) -> Source:
    file = f"stylegan2-{name}.pkl"
    return Source(file, f"{_NGC}{file}", digest="", licence=_NGC_LICENCE)


SOURCES = {
    "ffhq": Source(
        "karras2019stylegan-ffhq-1024x1024.pkl",
        f"{_DRIVE}1MEGjdvVpUsu1jB4zrXZN7Y4kBBOzizDQ",
        "sha256:f277a43711447812d809b2fdd7748b945cfd7bdcd391d66e557a68d590309aab",
    ),
    "celebahq": Source(
        "karras2019stylegan-celebahq-1024x1024.pkl",
        f"{_DRIVE}1MGqJl28pN4t7SAtSrPdSRJSQJqahkzUf",
        "md5:6604978f22ef7caea1ef5ca723282b43",
    ),
    "bedroom": Source(
        "karras2019stylegan-bedrooms-256x256.pkl",
        f"{_DRIVE}1MOSKeGF0FJcivpBI7s63V9YHloUTORiF",
        "md5:2988bc55c7724955f2cdcc52002c1e1e",
    ),
    "car": Source(
        "karras2019stylegan-cars-512x384.pkl",
        f"{_DRIVE}1MJ6iCfNtMIRicihwRorsM3b7mmtmK9c3",
        "md5:67373f1fa39fb6e5cfcae9da48223df2",
        crop=(64, 448),
    ),
    "cat": Source(
        "karras2019stylegan-cats-256x256.pkl",
        f"{_DRIVE}1MQywl0FNt6lHu8E_EUqnRbviagS7fbiJ",
        "md5:d09fc0938ea1aecf2af74ac0432e1279",
    ),
    # StyleGAN2, by stylegan2-ada-pytorch, stylegan2 and stylegan3; their publishers give no digests
    "ffhq2": _ada("ffhq"),
    "metfaces": _ada("metfaces"),
    "afhqcat": _ada("afhqcat"),
    "afhqdog": _ada("afhqdog"),
    "afhqwild": _ada("afhqwild"),
    "brecahad": _ada("brecahad"),
    "cifar10": _ada("cifar10"),
    "car2": _config_f("car", crop=(64, 448)),
    "cat2": _config_f("cat"),
    "church2": _config_f("church"),
    "horse2": _config_f("horse"),
    "ffhq2-512": _ngc("ffhq-512x512"),
    "ffhq2-256": _ngc("ffhq-256x256"),
    "ffhqu2": _ngc("ffhqu-1024x1024"),
    "celebahq2": _ngc("celebahq-256x256"),
    "metfacesu": _ngc("metfacesu-1024x1024"),
    "afhqv2": _ngc("afhqv2-512x512"),
    "lsundog": _ngc("lsundog-256x256"),
    "vgg16": Source(
        "vgg16-397923af.pth",
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        "sha256:397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        licence="BSD-3-Clause, torchvision; trained on ImageNet",
        is_generator=False,
    ),
}


def source(name: str) -> Source:
    """A known source. Raises UsageError with the list of names."""
    if name not in SOURCES:
        raise UsageError(f"no known source named {name}; there are: {', '.join(SOURCES)}")
    return SOURCES[name]


def downloads_folder() -> Path:
    """Where downloaded files are kept."""
    return home() / "downloads"


class _Bar:
    """What pooch calls while bytes arrive."""

    def __init__(self, report: Progress) -> None:
        self._report = report
        self._done = 0
        self.total = 0

    def update(self, count: int) -> None:
        self._done += count
        self._report(self._done, self.total)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        """Nothing to tidy: the caller owns the display."""


def download(item: Source, *, url: str = "", check: bool = True, report: Progress | None = None) -> Path:
    """Fetch a file unless it is already there whole, and check its digest.

    Args:
        item: what to fetch.
        url: a mirror to fetch from instead of the published address.
        check: whether to insist on the known digest.
        report: called with the bytes so far and in all (0 if unknown).

    Raises:
        EnvironmentFault: no connection, a full disk, a web page, or a file with another digest.
    """
    import pooch
    import requests

    folder = make_folder(downloads_folder())
    pooch.get_logger().setLevel("ERROR")
    bar = _Bar(report) if report else False
    downloader = pooch.HTTPDownloader(progressbar=bar, timeout=60)
    address, digest = url or item.url, (item.digest or None) if check else None
    with guard_os_errors(folder / item.file):
        try:
            path = Path(pooch.retrieve(address, digest, fname=item.file, path=folder, downloader=downloader))
        except requests.RequestException as error:
            reason = " ".join(str(error).split())[:200]
            raise EnvironmentFault(
                f"{item.file} could not be downloaded: {reason}", f"check the connection, or {_by_hand(item)}"
            ) from error
        except ValueError as error:  # pooch's word for a digest that differs; it has removed the file
            raise EnvironmentFault(
                f"what {address} sent is not {item.file}: its digest is not {item.digest}",
                "download sites answer with a web page when their quota is used up: try again later, or "
                + _by_hand(item),
            ) from error
        _refuse_web_page(path, address, item)
    return path


def _by_hand(item: Source) -> str:
    if item.is_generator:
        return f"fetch {item.url} in a browser and run: i2s-trt models import {item.file} --name NAME"
    return f"fetch {item.url} in a browser and put it at {downloads_folder() / item.file}"


def _refuse_web_page(path: Path, address: str, item: Source) -> None:
    """Without a digest to check, at least no quota notice is kept as a model."""
    with path.open("rb") as stream:
        if stream.read(64).lstrip()[:1] != b"<":
            return
    path.unlink()
    raise EnvironmentFault(f"{address} answered with a web page instead of {item.file}", _by_hand(item))


def vgg16_file() -> Path | None:
    """torchvision's VGG-16 weights if they are on this machine: pulled, or in PyTorch's own download cache."""
    import torch

    name = SOURCES["vgg16"].file
    candidates = (downloads_folder() / name, Path(torch.hub.get_dir()) / "checkpoints" / name)
    return next((path for path in candidates if path.is_file()), None)
