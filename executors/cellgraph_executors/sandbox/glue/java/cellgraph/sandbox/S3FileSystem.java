package cellgraph.sandbox;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSInputStream;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * s3:// of the sandbox for Spark: a stand-in for Glue's EMRFS.
 *
 * Folders are prefixes, and an empty object with a slash at its end where one is made before its content.
 */
public class S3FileSystem extends FileSystem {
    private static final int CHUNK = 4 << 20;

    private URI uri;
    private Bucket bucket;
    private Path working;

    @Override
    public void initialize(URI name, Configuration conf) throws IOException {
        super.initialize(name, conf);
        setConf(conf);
        uri = URI.create(name.getScheme() + "://" + name.getAuthority());
        working = new Path(uri.toString() + "/");
        bucket = new Bucket(uri.getAuthority());
    }

    @Override
    public String getScheme() {
        return uri == null ? "s3" : uri.getScheme();
    }

    @Override
    public URI getUri() {
        return uri;
    }

    @Override
    public Path getWorkingDirectory() {
        return working;
    }

    @Override
    public void setWorkingDirectory(Path path) {
        working = makeQualified(path);
    }

    // --- reading ---

    @Override
    public FSDataInputStream open(Path path, int bufferSize) throws IOException {
        FileStatus status = getFileStatus(path);
        if (status.isDirectory()) {
            throw new FileNotFoundException(path + " is a folder");
        }
        return new FSDataInputStream(new In(key(path), status.getLen()));
    }

    @Override
    public FileStatus getFileStatus(Path path) throws IOException {
        String key = key(path);
        if (key.isEmpty()) {
            return folder(path);
        }
        HttpResponse<byte[]> head = bucket.send("HEAD", key, "", BodyPublishers.noBody(), Map.of());
        if (head.statusCode() == 200) {
            long size = head.headers().firstValueAsLong("Content-Length").orElse(0);
            return file(path, size);
        }
        if (bucket.list(key + "/", "/", 1).isEmpty()) {
            throw new FileNotFoundException(path + " does not exist");
        }
        return folder(path);
    }

    @Override
    public FileStatus[] listStatus(Path path) throws IOException {
        FileStatus own = getFileStatus(path);
        if (own.isFile()) {
            return new FileStatus[] {own};
        }
        String prefix = prefix(path);
        List<FileStatus> found = new ArrayList<>();
        for (Map.Entry<String, Long> each : bucket.list(prefix, "/", Integer.MAX_VALUE).entrySet()) {
            String name = each.getKey().substring(prefix.length());
            if (name.endsWith("/")) {
                found.add(folder(new Path(path, name.substring(0, name.length() - 1))));
            } else if (!name.isEmpty()) {
                found.add(file(new Path(path, name), each.getValue()));
            }
        }
        return found.toArray(new FileStatus[0]);
    }

    // --- writing ---

    @Override
    public FSDataOutputStream create(Path path, FsPermission permission, boolean overwrite,
            int bufferSize, short replication, long blockSize, Progressable progress)
            throws IOException {
        if (!overwrite && exists(path)) {
            throw new FileAlreadyExistsException(path + " exists");
        }
        java.nio.file.Path kept = Files.createTempFile("cellgraph-s3-", "");
        FilterOutputStream out = new FilterOutputStream(Files.newOutputStream(kept)) {
            private boolean closed;

            @Override
            public void write(byte[] data, int start, int length) throws IOException {
                out.write(data, start, length);
            }

            @Override
            public void close() throws IOException {
                if (closed) {
                    return;
                }
                closed = true;
                super.close();
                try {
                    bucket.put(key(path), BodyPublishers.ofFile(kept), Map.of());
                } finally {
                    Files.deleteIfExists(kept);
                }
                unmark(path.getParent());
            }
        };
        return new FSDataOutputStream(out, null);
    }

    @Override
    public FSDataOutputStream append(Path path, int bufferSize, Progressable progress) {
        throw new UnsupportedOperationException("nothing is appended to an object");
    }

    @Override
    public boolean mkdirs(Path path, FsPermission permission) throws IOException {
        String prefix = prefix(path);
        if (!prefix.isEmpty() && bucket.list(prefix, "/", 1).isEmpty()) {
            bucket.put(prefix, BodyPublishers.noBody(), Map.of());
        }
        return true;
    }

    @Override
    public boolean rename(Path from, Path to) throws IOException {
        FileStatus source;
        try {
            source = getFileStatus(from);
        } catch (FileNotFoundException absent) {
            return false;
        }
        Path target = exists(to) && getFileStatus(to).isDirectory() ? new Path(to, from.getName()) : to;
        if (source.isFile()) {
            move(key(from), key(target));
        } else {
            String below = prefix(from);
            for (String key : bucket.list(below, "", Integer.MAX_VALUE).keySet()) {
                move(key, prefix(target) + key.substring(below.length()));
            }
        }
        unmark(target.getParent());
        return true;
    }

    @Override
    public boolean delete(Path path, boolean recursive) throws IOException {
        FileStatus status;
        try {
            status = getFileStatus(path);
        } catch (FileNotFoundException absent) {
            return false;
        }
        if (status.isFile()) {
            bucket.remove(key(path));
            return true;
        }
        if (!recursive && listStatus(path).length > 0) {
            throw new IOException(path + " is not empty");
        }
        for (String key : bucket.list(prefix(path), "", Integer.MAX_VALUE).keySet()) {
            bucket.remove(key);
        }
        return true;
    }

    private void move(String from, String to) throws IOException {
        String source = "/" + uri.getAuthority() + "/" + Bucket.encoded(from);
        bucket.put(to, BodyPublishers.noBody(), Map.of("x-amz-copy-source", source));
        bucket.remove(from);
    }

    /** A folder that has content needs no object of its own. */
    private void unmark(Path path) throws IOException {
        for (Path at = path; at != null && !key(at).isEmpty(); at = at.getParent()) {
            bucket.remove(prefix(at));
        }
    }

    // --- names ---

    private String key(Path path) {
        String said = makeQualified(path).toUri().getPath();
        return said.startsWith("/") ? said.substring(1) : said;
    }

    private String prefix(Path path) {
        String key = key(path);
        return key.isEmpty() ? "" : key + "/";
    }

    private FileStatus folder(Path path) {
        return new FileStatus(0, true, 1, 0, 0, makeQualified(path));
    }

    private FileStatus file(Path path, long size) {
        return new FileStatus(size, false, 1, 64 << 20, 0, makeQualified(path));
    }

    /** Reads by ranges: memory does not grow with an object. */
    private final class In extends FSInputStream {
        private final String key;
        private final long size;
        private long at;
        private long start;
        private byte[] chunk = new byte[0];

        In(String key, long size) {
            this.key = key;
            this.size = size;
        }

        @Override
        public void seek(long target) throws IOException {
            if (target < 0 || target > size) {
                throw new EOFException(key + ": no byte " + target);
            }
            at = target;
        }

        @Override
        public long getPos() {
            return at;
        }

        @Override
        public boolean seekToNewSource(long target) {
            return false;
        }

        @Override
        public int available() {
            return (int) Math.min(Integer.MAX_VALUE, size - at);
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            if (at >= size) {
                return -1;
            }
            if (at < start || at >= start + chunk.length) {
                long end = Math.min(size, at + Math.max(CHUNK, length)) - 1;
                HttpResponse<byte[]> answer = bucket.send("GET", key, "", BodyPublishers.noBody(),
                        Map.of("Range", "bytes=" + at + "-" + end));
                bucket.check(answer, key);
                chunk = answer.body();
                start = at;
            }
            int from = (int) (at - start);
            int count = Math.min(length, chunk.length - from);
            System.arraycopy(chunk, from, into, offset, count);
            at += count;
            return count;
        }
    }
}
