"""What a worker does with a batch of photos. No Spark in here."""
