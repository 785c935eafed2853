"""Random streams: engines and the distributions drawn from them."""
