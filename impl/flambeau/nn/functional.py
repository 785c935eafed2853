"""torch.nn.functional (filled from the operations' declarations when flambeau is imported)."""
