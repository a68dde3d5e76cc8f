"""The JSON that the dashboard, scripts and people read."""
