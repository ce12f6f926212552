"""What a worker does with a batch of photos, without Spark."""
