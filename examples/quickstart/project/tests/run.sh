#!/bin/sh
# Tests of seconds.sh; prints TAP version 13. Run it in the project's directory.
set -u

number=0
failed=0

# check DESCRIPTION EXPECTED ARGUMENT: the program's output must be EXPECTED.
check() {
    number=$((number + 1))
    actual=$(sh ./seconds.sh "$3" 2>&1)
    if [ "$actual" = "$2" ]; then
        echo "ok $number - $1"
    else
        failed=$((failed + 1))
        echo "not ok $number - $1"
        echo "  ---"
        echo "  message: 'seconds.sh $3 printed \"$actual\", expected \"$2\"'"
        echo "  file: tests/run.sh"
        echo "  line: $4"
        echo "  ..."
    fi
}

echo "TAP version 13"
while IFS='|' read -r line description expected argument; do
    check "$description" "$expected" "$argument" "$line"
done <<CASES
$(grep -n '' tests/cases.txt | sed 's/:/|/')
CASES
echo "1..$number"
[ "$failed" -eq 0 ]
