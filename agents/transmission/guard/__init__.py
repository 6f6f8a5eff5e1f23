"""What an order must find in the market before it is sent."""
