"""The public way out: somebody types a number, shows by a code that it is theirs, and is never texted again."""
