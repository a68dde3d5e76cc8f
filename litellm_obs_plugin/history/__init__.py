"""What was counted, over time: rows of any interval, merged into any window."""
