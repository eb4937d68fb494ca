"""The options of commands that can work on a cluster."""

from typing import TYPE_CHECKING, Annotated

import typer

from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from i2s_trt.cluster.options import ClusterOptions

_PANEL = "On a cluster"
Address = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        help="Work on Ray: local or local:N starts N workers here, auto joins the cluster that this machine belongs "
        "to, HOST:PORT the one with this head; docs/cluster.md.",
        rich_help_panel=_PANEL,
    ),
]
Workers = Annotated[
    int, typer.Option("--workers", min=0, help="At most; 0 for as many as there is room for.", rich_help_panel=_PANEL)
]
WorkerCpus = Annotated[
    float, typer.Option("--worker-cpus", help="Cores of each worker; may be 0.5.", rich_help_panel=_PANEL)
]
WorkerGpus = Annotated[
    float | None,
    typer.Option("--worker-gpus", help="GPUs of each; 1 if left out where there are any.", rich_help_panel=_PANEL),
]
OutputsOption = Annotated[
    str,
    typer.Option(
        "--outputs",
        help="shared: all machines see the output folder under one name, and write there. driver: results come back "
        "to this machine.",
        rich_help_panel=_PANEL,
    ),
]


def read(address: str | None, workers: int, cpus: float, gpus: float | None, outputs: str) -> "ClusterOptions | None":
    """The cluster that was asked for; None when none was. Raises UsageError for what makes no sense."""
    if address is None:
        if workers or cpus != 1.0 or gpus is not None or outputs != "shared":
            raise UsageError("--workers, --worker-cpus, --worker-gpus and --outputs are a cluster's", "add --cluster")
        return None
    from i2s_trt.cluster.options import cluster_options

    return cluster_options(address, workers, cpus, gpus, outputs)
