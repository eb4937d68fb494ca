"""`i2s-trt doctor`: what this machine has, and what to install."""

import typer

from cli import options as opt
from cli.console import Console
from i2s_trt import __version__
from i2s_trt.errors import EXIT_ENVIRONMENT, EnvironmentFault

_TIGHT_GIB = 1.0


def doctor(json: opt.Json = False) -> None:
    """Show versions, hardware, engine backends, folders and disk; say what to install for what is missing.

    Example: i2s-trt doctor
    """
    from engines.backends import cache_sizes, cuda_graphs, find_backends
    from engines.cuda.gpu import describe_gpu, driver_fault
    from i2s_trt.checkpoints.sources import vgg16_file
    from i2s_trt.files import home
    from i2s_trt.machine import describe_machine, free_gib
    from i2s_trt.models.vgg_weights import LICENCE, UNPROVEN
    from i2s_trt.threads import waiting

    console = Console(json)
    machine, backends = describe_machine(), find_backends()
    features, free = vgg16_file() if machine.packages["torch"] else None, free_gib(home())
    graphs, caches, damage = cuda_graphs(), cache_sizes(), _damage()
    missing = [name for name, version in machine.packages.items() if not version]
    console.event(
        "doctor",
        version=__version__,
        machine=vars(machine),
        backends=[vars(backend) for backend in backends],
        waiting=waiting(),
        driver=describe_gpu() or driver_fault(),
        cuda_graphs=graphs,
        cache_bytes=caches,
        home=str(home()),
        free_gib=free,
        vgg16=str(features or ""),
        imagenet={"whole": not damage, "licence": LICENCE},
        healthy=not (missing or damage),
    )
    console.table(
        ["", ""],
        [
            ["i2s-trt", f"{__version__} on Python {machine.python}, {machine.system}"],
            ["cpu", f"{machine.cpu}, {machine.cores} cores, {machine.memory_gib} GiB"],
            ["threads", f"{waiting() or 'they wait as OpenMP chooses'} (a thread's looks before it sleeps)"],
            ["gpu", machine.gpu or "none that PyTorch can use; everything runs on the CPU"],
            ["cuda graphs", graphs],
            *[[name, version or f"missing: pip install {name}"] for name, version in machine.packages.items()],
            ["vgg16, built in", damage or f"whole, the default features; {LICENCE}; {UNPROVEN}"],
            ["vgg16, torchvision's", str(features) if features else "not on this machine: i2s-trt models pull vgg16"],
            ["caches", ", ".join(f"{name} {size / 2**20:.1f} MiB" for name, size in caches.items())],
            ["folder", f"{home()}, {free} GiB free" + (" (little!)" if free < _TIGHT_GIB else "")],
        ],
    )
    console.say()
    console.table(["backend", "version", ""], [[b.name, b.version or "-", b.detail] for b in backends])
    if missing or damage:
        raise typer.Exit(EXIT_ENVIRONMENT)


def _damage() -> str:
    """What is wrong with the built-in weights of VGG-16, and what to do; empty when they are whole."""
    from i2s_trt.models.vgg_weights import read_weights

    try:
        read_weights()
    except EnvironmentFault as error:
        return f"{error.args[0]}: {error.hint}"
    return ""
