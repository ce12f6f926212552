"""What the features are worth: classifiers, two protocols, and honest figures."""
