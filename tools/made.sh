# What make has made below data/: its files, with their check sums.

# The check sum, size and path of every file in these folders.
sums() {
    find "$@" -type f ! -name .gitkeep -exec cksum {} + | sort
}

# Whether there are results that make has not made, or that were changed since.
results_are_others() {
    touch .made/results
    ! sums data/0[2-8]* | cmp -s - .made/results
}

# Remove the files of a list (sums) that are still as they were, and the folders that are then empty.
remove_unchanged() {
    list=$1
    shift
    sums "$@" | comm -12 - "$list" | cut -d ' ' -f 3- | tr '\n' '\0' | xargs -0 rm -f
    find "$@" -mindepth 1 -type d -empty -delete
}
