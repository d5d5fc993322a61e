"""What a network costs and does: counted on the golden model, timed, drawn."""
