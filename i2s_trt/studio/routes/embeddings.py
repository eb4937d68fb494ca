"""Routes of the queue of embeddings."""

from fastapi import FastAPI

from i2s_trt.studio.protocol import Embedding, EmbeddingRequest, EmbeddingsAnswer, More
from i2s_trt.studio.studio import Studio


def embedding_routes(app: FastAPI, studio: Studio) -> None:
    """Add them."""

    @app.get("/api/embeddings")
    def embeddings() -> EmbeddingsAnswer:
        return EmbeddingsAnswer(embeddings=studio.embeddings.list())

    @app.post("/api/embeddings")
    def embed(request: EmbeddingRequest) -> Embedding:
        return studio.embeddings.add(request)

    @app.post("/api/embeddings/{number}/stop")
    def stop(number: int) -> Embedding:
        return studio.embeddings.stop(number)

    @app.post("/api/embeddings/{number}/more")
    def more(number: int, longer: More) -> Embedding:
        return studio.embeddings.more(number, longer.steps)

    @app.post("/api/embeddings/{number}/dismiss")
    def dismiss(number: int) -> Embedding:
        return studio.embeddings.dismiss(number)

    @app.delete("/api/embeddings/{number}")
    def cancel(number: int) -> Embedding:
        return studio.embeddings.cancel(number)
