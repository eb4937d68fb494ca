"""The graphs by name, as the command line knows them."""

from collections.abc import Callable

from export.graph import Graph
from export.graphs.encoder import encoder_graph
from export.graphs.features import features_graph, objective_graph
from export.graphs.mapping import mapping_graph
from export.graphs.objective_gradient import objective_gradient_graph
from export.graphs.synthesis import images_graph, preview_graph, synthesis_graph, tuned_graph
from export.keys import Precision
from export.source import GraphSource

GRAPHS: dict[str, Callable[[GraphSource, Precision], Graph]] = {
    "mapping": lambda s, precision: mapping_graph(s.generator, precision),
    "synthesis": lambda s, precision: synthesis_graph(s.generator, precision),
    "images": lambda s, precision: images_graph(s.generator, precision),
    "preview": lambda s, precision: preview_graph(s.generator, precision),
    "tuned": lambda s, precision: tuned_graph(s.generator, precision),
    "features": lambda s, precision: features_graph(s.vgg, s.generator.spec, s.objective, precision),
    "objective": lambda s, precision: objective_graph(s.vgg, s.generator.spec, s.objective, precision),
    "objective_gradient": lambda s, precision: objective_gradient_graph(s.generator, s.vgg, s.objective, precision),
    "encoder": lambda s, precision: encoder_graph(s.encoder, s.generator.spec, precision),
}
