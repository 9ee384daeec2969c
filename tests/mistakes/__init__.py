"""Wrong inputs, by kind: each ends in one line on standard error, exit code 2 and an untouched folder."""
