"""The pictures of the studies: 5 classes of 5, bundled or the user's own."""
