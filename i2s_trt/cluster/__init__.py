"""Work on many machines: tasks that are data, actors of Ray that carry them out, and a driver that alone commits."""
