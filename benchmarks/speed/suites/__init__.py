"""The suites, one a file; each is a function `run(bench)` that yields what it measures.

`SHARES` names them in the order in which they run, with their part of the time. Those `ON_REQUEST` run only when they
are named: what `kernels` finds depends on no machine, `cluster` starts one, `studio` needs the extra of that name, and
`quality` takes the whole time for itself.
"""

SHARES = {
    "machine": 1.0, "step": 8.0, "embed": 8.0, "synthesis": 4.0, "edit": 4.0, "build": 2.0, "scaling": 4.0,
    "kernels": 3.0, "cluster": 3.0, "studio": 2.0, "quality": 12.0,
}  # fmt: skip
ON_REQUEST = ("kernels", "cluster", "studio", "quality")
