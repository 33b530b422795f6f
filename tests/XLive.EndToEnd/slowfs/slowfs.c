// A folder seen through a slow disk: a read-only FUSE file system over SOURCE where chosen calls take their time, or hang,
// for paths whose name contains "slow". Everything else passes at once.
//
//   slowfs SOURCE CONTROL MOUNTPOINT -f
//
// CONTROL is a text file, read anew at each slow call, a line a call: `open 500` (milliseconds), `getattr hang`, `read 20`.
// A call that hangs looks again every 20 ms and goes on once its line is gone. Replace the file by renaming another over it.
// Ends, with all that hangs, when its parent is gone: whoever waits for a hung call cannot even be killed.
#define FUSE_USE_VERSION 31
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HANG = -1 };

static char source[PATH_MAX], control[PATH_MAX];
static pid_t parent;

static int asked_delay(const char *call)
{
    FILE *in = fopen(control, "r");
    char name[32], value[32];
    int delay = 0;
    while (in && fscanf(in, "%31s %31s", name, value) == 2)
        if (!strcmp(name, call))
            delay = strcmp(value, "hang") ? atoi(value) : HANG;
    if (in)
        fclose(in);
    return delay;
}

static void pass_time(int milliseconds)
{
    struct timespec t = { .tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L };
    nanosleep(&t, NULL);
}

static void be_slow(const char *call, const char *path)
{
    if (!strstr(path, "slow"))
        return;
    int delay = asked_delay(call);
    if (delay > 0)
        pass_time(delay);
    else
        while (delay == HANG && getppid() == parent) {
            pass_time(20);
            delay = asked_delay(call);
        }
}

static const char *real(char *buffer, const char *path)
{
    snprintf(buffer, PATH_MAX, "%s%s", source, path);
    return buffer;
}

static int slow_getattr(const char *path, struct stat *st, struct fuse_file_info *file)
{
    char name[PATH_MAX];
    be_slow("getattr", path);
    return (file ? fstat((int)file->fh, st) : lstat(real(name, path), st)) < 0 ? -errno : 0;
}

static int slow_readlink(const char *path, char *target, size_t size)
{
    char name[PATH_MAX];
    ssize_t n = readlink(real(name, path), target, size - 1);
    if (n < 0)
        return -errno;
    target[n] = 0;
    return 0;
}

static int slow_readdir(const char *path, void *out, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *file,
    enum fuse_readdir_flags flags)
{
    (void)offset, (void)file, (void)flags;
    char name[PATH_MAX];
    be_slow("readdir", path);
    DIR *dir = opendir(real(name, path));
    if (!dir)
        return -errno;
    for (struct dirent *entry; (entry = readdir(dir));)
        fill(out, entry->d_name, NULL, 0, 0);
    closedir(dir);
    return 0;
}

static int slow_open(const char *path, struct fuse_file_info *file)
{
    char name[PATH_MAX];
    be_slow("open", path);
    if ((file->flags & O_ACCMODE) != O_RDONLY)
        return -EROFS;
    int fd = open(real(name, path), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    file->fh = fd;
    return 0;
}

static int slow_read(const char *path, char *out, size_t size, off_t offset, struct fuse_file_info *file)
{
    be_slow("read", path);
    ssize_t n = pread((int)file->fh, out, size, offset);
    return n < 0 ? -errno : (int)n;
}

static int slow_release(const char *path, struct fuse_file_info *file)
{
    (void)path;
    close((int)file->fh);
    return 0;
}

static int slow_statfs(const char *path, struct statvfs *st)
{
    char name[PATH_MAX];
    return statvfs(real(name, path), st) < 0 ? -errno : 0;
}

static void *watch_parent(void *nothing)
{
    while (getppid() == parent)
        pass_time(500);
    kill(getpid(), SIGTERM); // fuse_main unmounts on it
    return nothing;
}

static void *slow_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
    // Each stat and each lookup comes here, and hung reads ahead do not use up the kernel's dozen for all files.
    config->attr_timeout = config->entry_timeout = config->negative_timeout = 0;
    config->nullpath_ok = 0;
    connection->max_background = 1000;
    pthread_t watcher;
    pthread_create(&watcher, NULL, watch_parent, NULL);
    return NULL;
}

static const struct fuse_operations operations = {
    .init = slow_init,
    .getattr = slow_getattr,
    .readlink = slow_readlink,
    .readdir = slow_readdir,
    .open = slow_open,
    .read = slow_read,
    .release = slow_release,
    .statfs = slow_statfs,
};

int main(int argc, char **argv)
{
    if (argc < 4 || !realpath(argv[1], source) || !realpath(argv[2], control)) {
        fprintf(stderr, "usage: slowfs SOURCE CONTROL MOUNTPOINT -f\n");
        return 2;
    }
    parent = getppid();
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    fuse_opt_add_arg(&args, argv[0]);
    for (int i = 3; i < argc; i++)
        fuse_opt_add_arg(&args, argv[i]);
#if FUSE_VERSION >= 312
    fuse_opt_add_arg(&args, "-omax_threads=2000"); // one a call that hangs; before 3.12 there was no limit
#endif
    return fuse_main(args.argc, args.argv, &operations, NULL);
}
