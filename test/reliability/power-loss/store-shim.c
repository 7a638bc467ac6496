/* Stands between SQLite and the C library for the files of one store (LD_PRELOAD). It writes down every change and sync, or
 * makes the n-th of them fail. It touches no other file. The program speaks to it by access(2) on names that do not exist:
 *   /store-shim/acknowledged/N         writes down that batch N was acknowledged
 *   /store-shim/enospc/N               from the N-th write on, the disk is full
 *   /store-shim/eio-write/N            the N-th write fails
 *   /store-shim/eio-sync/N             the N-th sync fails
 *   /store-shim/calm                   nothing fails any more
 *   /store-shim/fired                  there (0) where something has failed since it was asked for
 * STORE_SHIM_FOLDER: only store.db, store.db-wal and store.db-journal in folders of this name.
 * STORE_SHIM_LOG: where to write down changes; records of 16 bytes, then data (store-log.ts reads them). */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { OP_WRITE = 1, OP_TRUNCATE = 2, OP_SYNC = 3, OP_ACKNOWLEDGED = 4, OP_UNLINK = 5, OP_CREATE = 6 };
enum { CALM, ENOSPC_WRITE, EIO_WRITE, EIO_SYNC };
enum { FDS = 65536 };

/* 1 + number of the file (0 db, 1 log, 2 journal), 0: not ours. */
static unsigned char file_of_fd[FDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -2;
static int fault = CALM;
static long countdown = 0;
static int fired = 0;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static int file_of_path(const char *path) {
  const char *folder = getenv("STORE_SHIM_FOLDER");
  const char *slash = path == NULL ? NULL : strrchr(path, '/');
  if (folder == NULL || slash == NULL) return 0;
  size_t length = strlen(folder);
  if ((size_t)(slash - path) <= length || strncmp(slash - length, folder, length) != 0 || slash[-(long)length - 1] != '/')
    return 0;
  if (strcmp(slash, "/store.db") == 0) return 1;
  if (strcmp(slash, "/store.db-wal") == 0) return 2;
  if (strcmp(slash, "/store.db-journal") == 0) return 3;
  return 0;
}

static int file_of(int fd) { return fd >= 0 && fd < FDS ? file_of_fd[fd] : 0; }

static void note(int op, int file, uint64_t offset, const void *data, uint32_t length) {
  if (log_fd == -2) {
    const char *path = getenv("STORE_SHIM_LOG");
    log_fd = path == NULL ? -1 : REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  if (log_fd < 0) return;
  unsigned char head[16] = {(unsigned char)op, (unsigned char)(file - 1)};
  memcpy(head + 4, &length, 4);
  memcpy(head + 8, &offset, 8);
  pthread_mutex_lock(&lock);
  if (REAL(write)(log_fd, head, 16) != 16 || (length > 0 && REAL(write)(log_fd, data, length) != (ssize_t)length)) abort();
  pthread_mutex_unlock(&lock);
}

/* 0, or the error with which this call is to fail. */
static int failure(int is_sync) {
  if (fault == CALM || (fault == EIO_SYNC) != is_sync) return 0;
  if (countdown > 1) {
    countdown -= 1;
    return 0;
  }
  fired = 1;
  if (fault == ENOSPC_WRITE) return ENOSPC;
  fault = CALM;
  return EIO;
}

static int opened(int fd, const char *path, int flags) {
  int file = file_of_path(path);
  if (fd >= 0 && fd < FDS) file_of_fd[fd] = (unsigned char)file;
  if (fd >= 0 && file > 0 && (flags & O_CREAT)) note(OP_CREATE, file, 0, NULL, 0);
  return fd;
}

#define MODE_OF(flags, mode)                        \
  mode_t mode = 0;                                  \
  if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) { \
    va_list rest;                                   \
    va_start(rest, flags);                          \
    mode = va_arg(rest, mode_t);                    \
    va_end(rest);                                   \
  }

int open(const char *path, int flags, ...) {
  MODE_OF(flags, mode)
  return opened(REAL(open)(path, flags, mode), path, flags);
}
int open64(const char *path, int flags, ...) {
  MODE_OF(flags, mode)
  return opened(REAL(open64)(path, flags, mode), path, flags);
}
int openat(int at, const char *path, int flags, ...) {
  MODE_OF(flags, mode)
  return opened(REAL(openat)(at, path, flags, mode), path, flags);
}
int openat64(int at, const char *path, int flags, ...) {
  MODE_OF(flags, mode)
  return opened(REAL(openat64)(at, path, flags, mode), path, flags);
}
int close(int fd) {
  if (fd >= 0 && fd < FDS) file_of_fd[fd] = 0;
  return REAL(close)(fd);
}

#define FAIL_WRITE                 \
  if (file_of(fd) > 0) {           \
    int error = failure(0);        \
    if (error != 0) {              \
      errno = error;               \
      return -1;                   \
    }                              \
  }

ssize_t write(int fd, const void *data, size_t size) {
  FAIL_WRITE
  off_t at = file_of(fd) > 0 ? lseek(fd, 0, SEEK_CUR) : 0;
  ssize_t done = REAL(write)(fd, data, size);
  if (done > 0 && file_of(fd) > 0) note(OP_WRITE, file_of(fd), (uint64_t)at, data, (uint32_t)done);
  return done;
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  FAIL_WRITE
  ssize_t done = REAL(pwrite)(fd, data, size, at);
  if (done > 0 && file_of(fd) > 0) note(OP_WRITE, file_of(fd), (uint64_t)at, data, (uint32_t)done);
  return done;
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  FAIL_WRITE
  ssize_t done = REAL(pwrite64)(fd, data, size, at);
  if (done > 0 && file_of(fd) > 0) note(OP_WRITE, file_of(fd), (uint64_t)at, data, (uint32_t)done);
  return done;
}
int ftruncate(int fd, off_t length) {
  int result = REAL(ftruncate)(fd, length);
  if (result == 0 && file_of(fd) > 0) note(OP_TRUNCATE, file_of(fd), (uint64_t)length, NULL, 0);
  return result;
}
int ftruncate64(int fd, off64_t length) {
  int result = REAL(ftruncate64)(fd, length);
  if (result == 0 && file_of(fd) > 0) note(OP_TRUNCATE, file_of(fd), (uint64_t)length, NULL, 0);
  return result;
}

#define SYNC(name)                                                  \
  int name(int fd) {                                                \
    int error = file_of(fd) > 0 ? failure(1) : 0;                   \
    if (error != 0) {                                               \
      errno = error;                                                \
      return -1;                                                    \
    }                                                               \
    int result = REAL(name)(fd);                                    \
    if (result == 0 && file_of(fd) > 0) note(OP_SYNC, file_of(fd), 0, NULL, 0); \
    return result;                                                  \
  }
SYNC(fsync)
SYNC(fdatasync)

int unlink(const char *path) {
  int result = REAL(unlink)(path);
  if (result == 0 && file_of_path(path) > 0) note(OP_UNLINK, file_of_path(path), 0, NULL, 0);
  return result;
}

static void arm(int kind, const char *number) {
  fault = kind;
  countdown = atol(number);
  fired = 0;
}

int access(const char *path, int mode) {
  static const char prefix[] = "/store-shim/";
  if (strncmp(path, prefix, sizeof prefix - 1) != 0) return REAL(access)(path, mode);
  const char *word = path + sizeof prefix - 1;
  if (strncmp(word, "acknowledged/", 13) == 0) note(OP_ACKNOWLEDGED, 1, (uint64_t)atol(word + 13), NULL, 0);
  else if (strncmp(word, "enospc/", 7) == 0) arm(ENOSPC_WRITE, word + 7);
  else if (strncmp(word, "eio-write/", 10) == 0) arm(EIO_WRITE, word + 10);
  else if (strncmp(word, "eio-sync/", 9) == 0) arm(EIO_SYNC, word + 9);
  else if (strcmp(word, "calm") == 0) fault = CALM;
  else if (strcmp(word, "fired") != 0 || !fired) {
    errno = ENOENT;
    return -1;
  }
  return 0;
}
