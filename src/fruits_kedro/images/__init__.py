"""From a root of photos to RGB arrays, or the reason why not."""
