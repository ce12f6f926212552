"""What the features are worth: classifiers, two protocols, and figures with intervals."""
