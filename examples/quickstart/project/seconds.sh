#!/bin/sh
# Prints a duration given as H:M:S (or M:S, or S) in seconds.
set -eu

total=0
rest=$1:
while [ -n "$rest" ]; do
    part=${rest%%:*}
    rest=${rest#*:}
    total=$((total * 60 + part))
done
echo "$total"
