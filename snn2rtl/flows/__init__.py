"""Other people's tools: finding them, running them, reading their reports."""
