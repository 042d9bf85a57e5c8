# Sourced by the commands of ci/, from the project's folder: what all of them do alike.

# If --help or -h is among the arguments, prints the opening comment of a script and ends it.
# help_if_asked <script> <argument>...
help_if_asked() {
    local word
    for word in "${@:2}"; do
        if [ "$word" = --help ] || [ "$word" = -h ]; then
            sed -n '1d; /^#/!q; s/^# \{0,1\}//p' "$1"
            exit 0
        fi
    done
}

# Only one at a time works in a folder. The lock is held until the script and all that it started have ended.
# lock_or_refuse <script> <folder>
lock_or_refuse() {
    mkdir -p "$(dirname "$2")"
    exec 9>"$2.lock"
    if ! flock -n 9; then
        echo "$1: another $1 works in $2; wait for it; nothing was changed" >&2
        exit 3
    fi
}

# Has a script's background jobs end with it, however often it is told to end; bash has them pass over Ctrl-C. What a job waits for is
# started by `setpriv --pdeathsig TERM`.
end_jobs_with_script() {
    trap 'kill -KILL $(jobs -p) 2>/dev/null || true; exit 130' INT TERM HUP
}
