"""What features tell about photos: arrays in, arrays and tables out. No Spark in here."""
