"""What a layer computes between its products: for each device in its own way."""
