"""From a photograph to a model's picture and back: the quad of a face, its record, and pasting an edit where it was."""
