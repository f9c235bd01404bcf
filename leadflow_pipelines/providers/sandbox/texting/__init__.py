"""What the simulated Twilio is made of: its texts, its carriers, its webhooks. Its API is in `vendors.twilio`."""
