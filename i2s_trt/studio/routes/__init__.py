"""The routes of the studio's application, by what they are about."""

from i2s_trt.studio.routes.edits import edit_routes
from i2s_trt.studio.routes.embeddings import embedding_routes
from i2s_trt.studio.routes.photographs import photograph_routes
from i2s_trt.studio.routes.shelf import shelf_routes

__all__ = ["edit_routes", "embedding_routes", "photograph_routes", "shelf_routes"]
