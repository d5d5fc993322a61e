"""Studies over training: Optuna chooses the configurations, on one machine or on many."""
