#!/bin/sh
# The quickstart's worker: what an agent does for one work item, written down as a script.
#
# It copies the project, applies what the items it depends on changed, makes its own change, and
# leaves two artifacts: the change as a unified diff and the test report as TAP. A first attempt
# makes a mistake that agents do make; on rework it reads the findings and mends it.
set -eu

item=$1
project=$PWD/project
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=agent GIT_AUTHOR_EMAIL=agent@localhost
export GIT_COMMITTER_NAME=agent GIT_COMMITTER_EMAIL=agent@localhost

# Whether the findings of the attempt before name this rule.
was_told() {
    grep -q "\"rule\": \"$1" "$SLUICE_RUN"
}

cp -R "$project" "$SLUICE_SCRATCH/tree"
cd "$SLUICE_SCRATCH/tree"
git init -q .
git add -A
git commit -q -m base
# In the order of the items' names, which suits these.
for change in "$SLUICE_INPUTS"/*/change.diff; do
    if [ -e "$change" ]; then
        git apply "$change"
    fi
done
git add -A
git commit -q --allow-empty -m "what the items before left"

echo "attempt $SLUICE_ATTEMPT of $item"
case $item in
fix-octal)
    # $((08)) is an octal number to the shell, and no number at all: cut leading zeros.
    sed 's/^    total=/    part=${part#"${part%%[!0]*}"}\
&/; s/ + part/ + ${part:-0}/' seconds.sh > new
    cat new > seconds.sh
    rm new
    echo "zeros alone are zero|0|00:00" >> tests/cases.txt
    if ! was_told secrets/; then
        # The mistake: a token that helped while debugging stays in the change.
        token=$(printf '%s%s' gh p_; printf 'Zx81Kq%s' Tn40Wv7RbY2mLc93HsJd6PfGa5EuBt)
        sed "3a\\
GITHUB_TOKEN=$token" seconds.sh > new
        cat new > seconds.sh
        rm new
    fi
    ;;
reject-garbage)
    if was_told test/; then
        sed "/^total=0/i\\
case \$1 in *[!0-9:]* | '') echo \"not a duration: \$1\" >&2; exit 2 ;; esac
" seconds.sh > new
        cat new > seconds.sh
        rm new
    fi
    # The mistake of the first attempt: a test for something the change does not do.
    echo "garbage is refused|not a duration: 1:x|1:x" >> tests/cases.txt
    ;;
document)
    printf '\nLeading zeros are fine: `sh seconds.sh 00:09` prints 9.\n' >> README.md
    ;;
release)
    printf '1.0.0\n' > VERSION
    ;;
esac

git add -A
git diff --cached > "$SLUICE_ARTIFACTS/change.diff"
sh tests/run.sh > "$SLUICE_ARTIFACTS/tests.tap" || true
grep -c '^ok' "$SLUICE_ARTIFACTS/tests.tap" | sed 's/$/ tests pass/'
