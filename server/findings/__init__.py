"""What devices report of their health: the published list, and nothing else."""
