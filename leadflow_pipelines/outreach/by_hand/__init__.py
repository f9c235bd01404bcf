"""What people carry: letters through a print house, calls dialled by hand, and what comes back of either."""
