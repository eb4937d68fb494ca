"""Pictures in and out: guarded decoding, fitting to a model, sheets and curves."""
