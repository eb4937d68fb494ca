"""Finding faces: one small protocol, the built-in detector, and adapters for models that a user brings."""
