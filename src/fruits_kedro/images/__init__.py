"""Photos to RGB arrays, or the reason why not."""
