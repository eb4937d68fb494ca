"""Clips: a face followed through its frames, embedded frame by frame, edited as a whole and written with its sound."""
