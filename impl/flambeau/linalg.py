"""torch.linalg (filled from the operations' declarations when flambeau is imported)."""
