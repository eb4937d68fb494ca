"""An independent judge of identity and expression: networks from elsewhere look at the demo's edits."""
