"""Looking at a campaign before anybody gets it: a preview that keeps nothing, and a message to oneself."""
