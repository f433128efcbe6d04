"""What keeps several processes out of each other's way."""
