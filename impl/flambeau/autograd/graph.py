"""torch.autograd.graph: nodes and edges of the graph."""

from flambeau.autograd.node import Node
from flambeau.declare import export

export("Node", Node, "autograd.graph")
