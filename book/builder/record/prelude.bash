# Job control, so that `kill %1` and `$!` mean what they mean to a reader.
set -m
trap 'kill -9 $(jobs -p) 2>/dev/null' EXIT

# What the reader has installed.
PATH="$PATH:$BOOK_PROGRAMS"

# `cargo run` as the reader types it, on programs already built. In the
# background, or in a pipe, the shell that runs this becomes the program.
cargo() {
    local program
    case "$*" in
        'run -q -p '*) shift 3 ;;
        *) echo "cargo $*" >>"$BOOK_UNKNOWN"; return 1 ;;
    esac
    program="$BOOK_PROGRAMS/$1"
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
    if [ "$BASHPID" = "$$" ]; then "$program" "$@"; else exec "$program" "$@"; fi
}
