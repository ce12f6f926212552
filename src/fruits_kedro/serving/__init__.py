"""The service: photos in, labels out. No Spark, Java, TensorFlow or pandas in here."""
