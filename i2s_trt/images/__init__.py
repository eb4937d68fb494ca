"""Pictures in and out: guarded decoding, fitting to a model, sheets, and the bytes of files."""
