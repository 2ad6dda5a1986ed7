// What a disk is sure to have: whenever a program has a database or its log synced, what the file X
// holds is copied to X.durable, and X.syncs grows by a byte. A power cut leaves that, and maybe more.
//
//     cc -shared -fPIC -o power_cut.so tests/power_cut.c
//     LD_PRELOAD=$PWD/power_cut.so PROGRAM
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

static char path[4096], name[4200], draft[4200], buffer[1 << 16];

static int ends_with(const char *end) {
    size_t length = strlen(path), last = strlen(end);
    return length >= last && strcmp(path + length - last, end) == 0;
}

static void keep(int file) {
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    ssize_t length = readlink(name, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    if (!ends_with(".db") && !ends_with(".db-wal")) return;
    // One at a time, of all programs: the last copy is the last sync.
    flock(file, LOCK_EX);
    snprintf(name, sizeof name, "%s.syncs", path);
    int syncs = open(name, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (write(syncs, ".", 1) != 1) perror(name);
    close(syncs);
    snprintf(name, sizeof name, "%s.durable", path);
    snprintf(draft, sizeof draft, "%s.draft", path);
    int copy = open(draft, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    // Through the program's own descriptor: to close another one would end its locks.
    ssize_t some;
    for (off_t at = 0; (some = pread(file, buffer, sizeof buffer, at)) > 0; at += some)
        if (pwrite(copy, buffer, some, at) != some) perror(draft);
    close(copy);
    // The whole copy, or none: the program may be killed here.
    rename(draft, name);
    flock(file, LOCK_UN);
}

// The threads of a program have their turns, too.
static int synced(int file, long call) {
    static volatile int busy;
    while (__sync_lock_test_and_set(&busy, 1)) usleep(50);
    // First the copy: what is written meanwhile may be on the disk, or not.
    keep(file);
    __sync_lock_release(&busy);
    return syscall(call, file);
}

int fsync(int file) { return synced(file, SYS_fsync); }
int fdatasync(int file) { return synced(file, SYS_fdatasync); }
