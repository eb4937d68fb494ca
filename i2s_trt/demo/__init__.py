"""The main job, end to end, on what ships with the program: embed, morph, transfer styles and expressions."""
