"""What happens at the simulated university, as functions of seed, org and day."""
