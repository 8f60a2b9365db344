"""What energy numbers on this machine are worth: examined, judged, and told in words or as JSON."""
