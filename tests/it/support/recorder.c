/* Records, in their order, what a process does to the files of one folder: writes with their bytes, changes of length, syncs, second names, removals.
 *
 * The tests `power_loss` and `disk_errors` build it and load it into a process (LD_PRELOAD). LAMPLIGHTER_RECORD_FOLDER is the folder,
 * LAMPLIGHTER_RECORD the file that takes the record. LAMPLIGHTER_RECORD_FAILING = "CALL ERROR N HOW" makes calls on the files of
 * the database fail: CALL is open, write, length or sync, ERROR a number of errno, HOW is "once" for the N-th call, "on" for it and
 * all after it, "each" for every N-th. LAMPLIGHTER_RECORD_KILL = "CALL N NAME" kills the process before the N-th call
 * create, write, length, sync, link or remove on the file of this name; "." is the folder, "*" each file that is made under another name.
 *
 * A record is: one byte what, one byte which file, eight bytes offset, eight bytes length, then the bytes of a write or of a
 * name; numbers begin with their lowest byte. Each call is made and recorded under one lock: the record's order is the true one.
 * File 0 is the folder itself, which is synced for the names in it. The index of a write-ahead log (-shm) is memory and is not recorded.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_FILES 64
#define MOST_DESCRIPTORS 4096
/* What open_as holds of a descriptor of the folder. */
#define THE_FOLDER 255

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int record = -1;
static char folder[PATH_MAX];
static size_t folder_length;
static char names[MOST_FILES][NAME_MAX + 1];
/* By descriptor: which file, counted from one; 0 is one that is not recorded. */
static unsigned char open_as[MOST_DESCRIPTORS];
/* Which call fails, with what, at which of them and how; none fails where `failing_at` is 0. */
static char failing_call[16], failing_how[16];
static int failing_with;
static unsigned long failing_at, calls;
/* Before which change the process is killed; 0: before none. */
static char kill_call[16], kill_name[NAME_MAX + 1];
static unsigned long kill_at, changes;

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_ftruncate)(int, off64_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static int (*real_linkat)(int, const char *, int, const char *, int);

static void fail(const char *what) {
  real_write(2, what, strlen(what));
  abort();
}

static void *real(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  return found;
}

__attribute__((constructor)) static void begin(void) {
  real_open = real("open64");
  real_close = real("close");
  real_write = real("write");
  real_pwrite = real("pwrite64");
  real_ftruncate = real("ftruncate64");
  real_fsync = real("fsync");
  real_fdatasync = real("fdatasync");
  real_unlink = real("unlink");
  real_linkat = real("linkat");
  const char *into = getenv("LAMPLIGHTER_RECORD"), *of = getenv("LAMPLIGHTER_RECORD_FOLDER");
  const char *failing = getenv("LAMPLIGHTER_RECORD_FAILING");
  if (!into || !of || strlen(of) + 2 > sizeof folder) return;
  strcpy(folder, of);
  strcat(folder, "/");
  folder_length = strlen(folder);
  if (failing && sscanf(failing, "%15s %d %lu %15s", failing_call, &failing_with, &failing_at, failing_how) != 4)
    fail("LAMPLIGHTER_RECORD_FAILING is CALL ERROR N HOW\n");
  const char *killed = getenv("LAMPLIGHTER_RECORD_KILL");
  if (killed && sscanf(killed, "%15s %lu %255s", kill_call, &kill_at, kill_name) != 3)
    fail("LAMPLIGHTER_RECORD_KILL is CALL N NAME\n");
  record = real_open(into, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (record < 0) fail("the record cannot be made\n");
}

static void all(const void *bytes, size_t length) {
  for (const char *at = bytes; length > 0;) {
    ssize_t done = real_write(record, at, length);
    if (done <= 0) fail("the record cannot be written\n");
    at += done;
    length -= (size_t)done;
  }
}

static void note(char what, unsigned char file, uint64_t offset, uint64_t length, const void *bytes) {
  unsigned char head[18] = {(unsigned char)what, file};
  for (int i = 0; i < 8; i++) {
    head[2 + i] = (unsigned char)(offset >> (8 * i));
    head[10 + i] = (unsigned char)(length >> (8 * i));
  }
  all(head, sizeof head);
  if (bytes) all(bytes, length);
}

/* Which recorded file a path names, counted from one; 0 for none. A new name is recorded. */
static unsigned char named(const char *path) {
  if (record < 0 || !path || strncmp(path, folder, folder_length) != 0) return 0;
  const char *name = path + folder_length;
  size_t length = strlen(name);
  if (length == 0 || length > NAME_MAX || strchr(name, '/')) return 0;
  if (length > 4 && strcmp(name + length - 4, "-shm") == 0) return 0;
  for (int i = 0; i < MOST_FILES; i++) {
    if (strcmp(names[i], name) == 0) return (unsigned char)(i + 1);
    if (!names[i][0]) {
      strcpy(names[i], name);
      note('N', (unsigned char)(i + 1), 0, length, name);
      return (unsigned char)(i + 1);
    }
  }
  fail("too many files to record\n");
  return 0;
}

/* The same of a file that is in the record already. */
static unsigned char known(const char *path) {
  if (record < 0 || !path || strncmp(path, folder, folder_length) != 0) return 0;
  for (int i = 0; i < MOST_FILES && names[i][0]; i++)
    if (strcmp(names[i], path + folder_length) == 0) return (unsigned char)(i + 1);
  return 0;
}

static unsigned char recorded(int fd) {
  return record >= 0 && fd >= 0 && fd < MOST_DESCRIPTORS ? open_as[fd] : 0;
}

/* Comes before each call that changes a file of the folder, or its names. */
static void changing(const char *call, unsigned char file) {
  if (!kill_at || strcmp(call, kill_call) != 0) return;
  const char *name = file ? names[file - 1] : ".";
  if (strcmp(kill_name, "*") == 0 ? !strstr(name, ".new") : strcmp(name, kill_name) != 0) return;
  if (++changes != kill_at) return;
  note('K', file, 0, strlen(call), call);
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* Whether this call on this file is one that is to fail. A failure is recorded: 'F' of a sync, 'E' of another call. */
static int fails(const char *call, unsigned char file) {
  if (!failing_at || strncmp(names[file - 1], "lamplighter.db", 14) != 0 || strcmp(call, failing_call) != 0) return 0;
  calls++;
  int now = strcmp(failing_how, "each") == 0 ? calls % failing_at == 0
            : strcmp(failing_how, "on") == 0 ? calls >= failing_at
                                             : calls == failing_at;
  if (now) note(strcmp(call, "sync") == 0 ? 'F' : 'E', file, 0, 0, NULL);
  return now;
}

static int opened(const char *path, int flags, mode_t mode) {
  if ((flags & O_ACCMODE) == O_RDONLY) {
    int fd = real_open(path, flags, mode), error = errno;
    size_t length = strlen(path);
    int is_folder = record >= 0 && length + 1 >= folder_length && strncmp(path, folder, folder_length - 1) == 0 &&
                    strspn(path + folder_length - 1, "/") == length + 1 - folder_length;
    /* A descriptor that only reads may sync what others wrote. */
    pthread_mutex_lock(&turn);
    if (fd >= 0 && fd < MOST_DESCRIPTORS) open_as[fd] = is_folder ? THE_FOLDER : known(path);
    pthread_mutex_unlock(&turn);
    errno = error;
    return fd;
  }
  pthread_mutex_lock(&turn);
  unsigned char file = named(path);
  struct stat before;
  int is_new = file && (flags & O_CREAT) && stat(path, &before) != 0;
  if (is_new || (file && (flags & O_TRUNC))) changing("create", file);
  int refused = file && fails("open", file);
  int fd = refused ? -1 : real_open(path, flags, mode), error = refused ? failing_with : errno;
  if (file && fd >= MOST_DESCRIPTORS) fail("too many descriptors to record\n");
  if (fd >= 0 && fd < MOST_DESCRIPTORS) open_as[fd] = file;
  if (fd >= 0 && file && is_new) note('C', file, 0, 0, NULL);
  if (fd >= 0 && file && (flags & O_TRUNC)) note('T', file, 0, 0, NULL);
  pthread_mutex_unlock(&turn);
  errno = error;
  return fd;
}

int open64(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & (O_CREAT | O_TMPFILE)) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  return opened(path, flags, mode);
}

/* On a machine whose offsets have 64 bits both names are one call. */
_Static_assert(sizeof(off_t) == sizeof(off64_t), "offsets have 64 bits");
int open(const char *path, int flags, ...) __attribute__((alias("open64")));

int close(int fd) {
  if (recorded(fd)) {
    pthread_mutex_lock(&turn);
    open_as[fd] = 0;
    pthread_mutex_unlock(&turn);
  }
  return real_close(fd);
}

/* Writes at an offset, or, without one, where the file is. */
static ssize_t written(int fd, const void *bytes, size_t length, const off64_t *offset) {
  unsigned char file = recorded(fd);
  if (!file) return offset ? real_pwrite(fd, bytes, length, *offset) : real_write(fd, bytes, length);
  pthread_mutex_lock(&turn);
  off64_t at = offset ? *offset : lseek64(fd, 0, (fcntl(fd, F_GETFL) & O_APPEND) ? SEEK_END : SEEK_CUR);
  changing("write", file);
  int refused = fails("write", file);
  ssize_t done = refused ? -1 : offset ? real_pwrite(fd, bytes, length, at) : real_write(fd, bytes, length);
  int error = refused ? failing_with : errno;
  if (done > 0) note('W', file, (uint64_t)at, (uint64_t)done, bytes);
  pthread_mutex_unlock(&turn);
  errno = error;
  return done;
}

ssize_t write(int fd, const void *bytes, size_t length) { return written(fd, bytes, length, NULL); }

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  return written(fd, bytes, length, &offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) __attribute__((alias("pwrite64")));

int ftruncate64(int fd, off64_t length) {
  unsigned char file = recorded(fd);
  if (!file) return real_ftruncate(fd, length);
  pthread_mutex_lock(&turn);
  changing("length", file);
  int refused = fails("length", file);
  int done = refused ? -1 : real_ftruncate(fd, length), error = refused ? failing_with : errno;
  if (done == 0) note('T', file, (uint64_t)length, 0, NULL);
  pthread_mutex_unlock(&turn);
  errno = error;
  return done;
}

int ftruncate(int fd, off_t length) __attribute__((alias("ftruncate64")));

static int synced(int fd, int (*real_sync)(int)) {
  unsigned char file = recorded(fd);
  if (!file) return real_sync(fd);
  pthread_mutex_lock(&turn);
  if (file == THE_FOLDER) {
    changing("sync", 0);
    int done = real_sync(fd), error = errno;
    if (done == 0) note('S', 0, 0, 0, NULL);
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
  }
  changing("sync", file);
  int refused = fails("sync", file);
  int done = refused ? -1 : real_sync(fd), error = refused ? failing_with : errno;
  if (!refused) note(done == 0 ? 'S' : 'F', file, 0, 0, NULL);
  pthread_mutex_unlock(&turn);
  errno = error;
  return done;
}

int fsync(int fd) { return synced(fd, real_fsync); }

int fdatasync(int fd) { return synced(fd, real_fdatasync); }

int unlink(const char *path) {
  pthread_mutex_lock(&turn);
  struct stat before;
  unsigned char file = lstat(path, &before) == 0 ? named(path) : 0;
  if (file) changing("remove", file);
  int done = real_unlink(path), error = errno;
  if (file && done == 0) note('U', file, 0, 0, NULL);
  pthread_mutex_unlock(&turn);
  errno = error;
  return done;
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  pthread_mutex_lock(&turn);
  unsigned char old = named(from), file = old ? named(to) : 0;
  if (file) changing("link", file);
  int done = real_linkat(from_folder, from, to_folder, to, flags), error = errno;
  if (file && done == 0) note('L', file, old, 0, NULL);
  pthread_mutex_unlock(&turn);
  errno = error;
  return done;
}
