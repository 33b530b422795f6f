// A folder on a disk that turns read-only under whoever writes to it, as ext4 does after an error: a FUSE file system over SOURCE where all
// that changes anything is answered with EROFS for as long as the file SWITCH exists, also through files that are open and pages that are
// mapped. `mount -o remount,ro` cannot show that: it refuses while a file is open for writing.
//
//   rofs SOURCE SWITCH MOUNTPOINT -f
//
// Ends when its parent is gone.
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
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define RETURN(call) return (call) < 0 ? -errno : 0
#define CHANGES() do { if (access(control, F_OK) == 0) return -EROFS; } while (0)

static char source[PATH_MAX], control[PATH_MAX];
static pid_t parent;

static const char *real(char *buffer, const char *path)
{
    snprintf(buffer, PATH_MAX, "%s%s", source, path);
    return buffer;
}

static int ro_getattr(const char *path, struct stat *st, struct fuse_file_info *file)
{
    char name[PATH_MAX];
    RETURN(file ? fstat((int)file->fh, st) : lstat(real(name, path), st));
}

static int ro_readdir(const char *path, void *out, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *file,
    enum fuse_readdir_flags flags)
{
    (void)offset, (void)file, (void)flags;
    char name[PATH_MAX];
    DIR *dir = opendir(real(name, path));
    if (!dir)
        return -errno;
    for (struct dirent *entry; (entry = readdir(dir));)
        fill(out, entry->d_name, NULL, 0, 0);
    closedir(dir);
    return 0;
}

static int open_as(const char *path, int flags, mode_t mode, struct fuse_file_info *file)
{
    char name[PATH_MAX];
    if ((flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC))
        CHANGES();
    // The kernel appends by itself, and reads a page before it writes a part of it.
    flags = (flags & ~(O_APPEND | O_ACCMODE)) | ((flags & O_ACCMODE) == O_RDONLY ? O_RDONLY : O_RDWR);
    int fd = open(real(name, path), flags | O_CLOEXEC, mode);
    if (fd < 0)
        return -errno;
    file->fh = (uint64_t)fd;
    return 0;
}

static int ro_open(const char *path, struct fuse_file_info *file)
{
    return open_as(path, file->flags & ~O_CREAT, 0, file);
}

static int ro_create(const char *path, mode_t mode, struct fuse_file_info *file)
{
    return open_as(path, file->flags | O_CREAT, mode, file);
}

static int ro_read(const char *path, char *out, size_t size, off_t offset, struct fuse_file_info *file)
{
    (void)path;
    ssize_t n = pread((int)file->fh, out, size, offset);
    return n < 0 ? -errno : (int)n;
}

static int ro_write(const char *path, const char *bytes, size_t size, off_t offset, struct fuse_file_info *file)
{
    (void)path;
    CHANGES();
    ssize_t n = pwrite((int)file->fh, bytes, size, offset);
    return n < 0 ? -errno : (int)n;
}

static int ro_truncate(const char *path, off_t length, struct fuse_file_info *file)
{
    char name[PATH_MAX];
    CHANGES();
    RETURN(file ? ftruncate((int)file->fh, length) : truncate(real(name, path), length));
}

static int ro_fallocate(const char *path, int mode, off_t offset, off_t length, struct fuse_file_info *file)
{
    (void)path;
    CHANGES();
    RETURN(fallocate((int)file->fh, mode, offset, length));
}

static int ro_fsync(const char *path, int data, struct fuse_file_info *file)
{
    (void)path;
    CHANGES();
    RETURN(data ? fdatasync((int)file->fh) : fsync((int)file->fh));
}

static int ro_release(const char *path, struct fuse_file_info *file)
{
    (void)path;
    close((int)file->fh);
    return 0;
}

static int ro_unlink(const char *path)
{
    char name[PATH_MAX];
    CHANGES();
    RETURN(unlink(real(name, path)));
}

static int ro_mkdir(const char *path, mode_t mode)
{
    char name[PATH_MAX];
    CHANGES();
    RETURN(mkdir(real(name, path), mode));
}

static int ro_rename(const char *from, const char *to, unsigned int flags)
{
    char old[PATH_MAX], new[PATH_MAX];
    CHANGES();
    RETURN(renameat2(AT_FDCWD, real(old, from), AT_FDCWD, real(new, to), flags));
}

static int ro_link(const char *from, const char *to)
{
    char old[PATH_MAX], new[PATH_MAX];
    CHANGES();
    RETURN(link(real(old, from), real(new, to)));
}

static int ro_chmod(const char *path, mode_t mode, struct fuse_file_info *file)
{
    char name[PATH_MAX];
    CHANGES();
    RETURN(file ? fchmod((int)file->fh, mode) : chmod(real(name, path), mode));
}

static int ro_statfs(const char *path, struct statvfs *st)
{
    char name[PATH_MAX];
    RETURN(statvfs(real(name, path), st));
}

static void *watch_parent(void *nothing)
{
    while (getppid() == parent)
        nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL);
    kill(getpid(), SIGTERM); // fuse_main unmounts on it
    return nothing;
}

static void *ro_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
    (void)connection;
    config->attr_timeout = config->entry_timeout = config->negative_timeout = 0;
    config->hard_remove = 1;
    pthread_t watcher;
    pthread_create(&watcher, NULL, watch_parent, NULL);
    return NULL;
}

static const struct fuse_operations operations = {
    .init = ro_init,
    .getattr = ro_getattr,
    .readdir = ro_readdir,
    .open = ro_open,
    .create = ro_create,
    .read = ro_read,
    .write = ro_write,
    .truncate = ro_truncate,
    .fallocate = ro_fallocate,
    .fsync = ro_fsync,
    .release = ro_release,
    .unlink = ro_unlink,
    .mkdir = ro_mkdir,
    .rename = ro_rename,
    .link = ro_link,
    .chmod = ro_chmod,
    .statfs = ro_statfs,
};

int main(int argc, char **argv)
{
    if (argc < 4 || !realpath(argv[1], source)) {
        fprintf(stderr, "usage: rofs SOURCE SWITCH MOUNTPOINT -f\n");
        return 2;
    }
    snprintf(control, sizeof control, "%s", argv[2]);
    parent = getppid();
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    fuse_opt_add_arg(&args, argv[0]);
    for (int i = 3; i < argc; i++)
        fuse_opt_add_arg(&args, argv[i]);
    return fuse_main(args.argc, args.argv, &operations, NULL);
}
