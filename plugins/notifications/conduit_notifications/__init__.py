"""What others do with one's articles: notifications, listed and streamed."""
