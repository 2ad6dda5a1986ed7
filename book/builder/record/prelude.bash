# Job control, so that `kill %1` and `$!` mean what they mean to a reader.
set -m
trap 'note end; builtin kill -9 $(jobs -p) 2>/dev/null' EXIT

# What the reader has installed.
PATH="$PATH:$BOOK_PROGRAMS"

# What is done, and when, for the timelines.
note() {
    local IFS=$'\t'
    local text="$EPOCHREALTIME"$'\t'"$*"
    printf '%s\n' "${text//$'\n'/ }" >>"$BOOK_NOTES"
}
book_terminal=$(readlink /proc/self/fd/2)

kill() {
    local job="${!#}" signal=-TERM
    [ $# = 1 ] || signal=$1
    case "$job" in %*) job=$(jobs -p "$job") ;; esac
    note kill "$job" "$signal"
    builtin kill "$@"
}

sqlite3() {
    note sqlite3 "$@"
    command sqlite3 "$@"
}

# What the reader compiles, in the workspace.
cc() {
    command cc "${@/#tests\//$BOOK_WORKSPACE/tests/}"
}

# `cargo run` as the reader types it, on programs already built. In the
# background, or in a pipe, the shell that runs this becomes the program.
cargo() {
    local program process=- log
    case "$*" in
        'run -q -p '*) shift 3 ;;
        *) echo "cargo $*" >>"$BOOK_UNKNOWN"; return 1 ;;
    esac
    [ "$BASHPID" = "$$" ] || process=$BASHPID
    log=$(readlink /proc/self/fd/2)
    [ "$log" != "$book_terminal" ] || log=-
    note run "$process" "$log" "${TASK_ENGINE_INSTANCE-}" "$@"
    program="$BOOK_PROGRAMS/$1"
    # That of the last step has a name of its own.
    [ -x "$program" ] || program="$BOOK_PROGRAMS/task-engine"
    shift
    if [ "${1-}" = --example ]; then
        program="$BOOK_PROGRAMS/examples/$2"
        shift 2
    fi
    if [ $# -gt 0 ]; then
        if [ "$1" != -- ]; then
            echo "cargo run … $*" >>"$BOOK_UNKNOWN"
            return 1
        fi
        shift
    fi
    if [ "$process" != - ]; then exec "$program" "$@"; fi
    "$program" "$@"
    set -- $?
    note exit "$1"
    return "$1"
}
