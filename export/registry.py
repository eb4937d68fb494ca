"""The graphs by name, as the command line knows them."""

from collections.abc import Callable
from dataclasses import dataclass

from export.graph import Graph, Precision
from export.graphs.features import features_graph, objective_graph
from export.graphs.mapping import mapping_graph
from export.graphs.objective_gradient import objective_gradient_graph
from export.graphs.synthesis import images_graph, preview_graph, synthesis_graph
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16


@dataclass(frozen=True)
class GraphSource:
    """What graphs are made from."""

    generator: Generator
    vgg: Vgg16
    objective: ObjectiveOptions


GRAPHS: dict[str, Callable[[GraphSource, Precision], Graph]] = {
    "mapping": lambda s, precision: mapping_graph(s.generator, precision),
    "synthesis": lambda s, precision: synthesis_graph(s.generator, precision),
    "images": lambda s, precision: images_graph(s.generator, precision),
    "preview": lambda s, precision: preview_graph(s.generator, precision),
    "features": lambda s, precision: features_graph(s.vgg, s.generator.spec, s.objective, precision),
    "objective": lambda s, precision: objective_graph(s.vgg, s.generator.spec, s.objective, precision),
    "objective_gradient": lambda s, precision: objective_gradient_graph(s.generator, s.vgg, s.objective, precision),
}
# the graphs that hold VGG and the settings of the loss
WITH_LOSS = ("features", "objective", "objective_gradient")
