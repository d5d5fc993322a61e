"""Studies: Optuna chooses configurations and we try them, on one machine or on many."""
