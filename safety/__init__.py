"""The filter between model and Slack. Knows neither."""
