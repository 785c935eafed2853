"""assay put to the test: a torch with faults planted in it, mutants of every operation, torch against itself."""
