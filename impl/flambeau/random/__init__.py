"""Random streams: engines and the distributions drawn from them.

As `torch.random` it also has manual_seed, seed, initial_seed, get_rng_state and set_rng_state.
"""
