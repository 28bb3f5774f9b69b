"""What an API server must do, asked of the embedded fleet and of real servers alike."""
