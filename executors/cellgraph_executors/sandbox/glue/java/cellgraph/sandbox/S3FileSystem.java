package cellgraph.sandbox;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
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
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * s3:// of the sandbox for Spark: a stand-in for Glue's EMRFS, over HTTP to AWS_ENDPOINT_URL.
 *
 * It shapes its requests as signed ones, and signs nothing: it is of no use with AWS itself. Folders
 * are prefixes, and an empty object with a slash at its end where one is made before its content.
 */
public class S3FileSystem extends FileSystem {
    private static final int CHUNK = 4 << 20;
    private static final int ATTEMPTS = 8;
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private URI uri;
    private String endpoint;
    private String authorization;
    private Path working;

    @Override
    public void initialize(URI name, Configuration conf) throws IOException {
        super.initialize(name, conf);
        setConf(conf);
        uri = URI.create(name.getScheme() + "://" + name.getAuthority());
        working = new Path(uri.toString() + "/");
        endpoint = System.getenv("AWS_ENDPOINT_URL");
        if (endpoint == null) {
            throw new IOException("AWS_ENDPOINT_URL is not set: this is the sandbox's own s3://");
        }
        authorization = "AWS4-HMAC-SHA256 Credential=" + System.getenv("AWS_ACCESS_KEY_ID")
                + "/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
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
        HttpResponse<byte[]> head = send("HEAD", key, "", BodyPublishers.noBody(), Map.of());
        if (head.statusCode() == 200) {
            long size = head.headers().firstValueAsLong("Content-Length").orElse(0);
            return file(path, size, 0);
        }
        if (list(key + "/", "/", 1).isEmpty()) {
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
        for (Map.Entry<String, Long> each : list(prefix, "/", Integer.MAX_VALUE).entrySet()) {
            String name = each.getKey().substring(prefix.length());
            if (name.endsWith("/")) {
                found.add(folder(new Path(path, name.substring(0, name.length() - 1))));
            } else if (!name.isEmpty()) {
                found.add(file(new Path(path, name), each.getValue(), 0));
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
                    put(key(path), BodyPublishers.ofFile(kept), Map.of());
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
        if (!prefix.isEmpty() && list(prefix, "/", 1).isEmpty()) {
            put(prefix, BodyPublishers.noBody(), Map.of());
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
            for (String key : list(below, "", Integer.MAX_VALUE).keySet()) {
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
            remove(key(path));
            return true;
        }
        if (!recursive && listStatus(path).length > 0) {
            throw new IOException(path + " is not empty");
        }
        for (String key : list(prefix(path), "", Integer.MAX_VALUE).keySet()) {
            remove(key);
        }
        return true;
    }

    private void move(String from, String to) throws IOException {
        String source = "/" + uri.getAuthority() + "/" + encoded(from);
        put(to, BodyPublishers.noBody(), Map.of("x-amz-copy-source", source));
        remove(from);
    }

    /** A folder that has content needs no object of its own. */
    private void unmark(Path path) throws IOException {
        for (Path at = path; at != null && !key(at).isEmpty(); at = at.getParent()) {
            remove(prefix(at));
        }
    }

    // --- requests ---

    private void put(String key, BodyPublisher body, Map<String, String> headers)
            throws IOException {
        check(send("PUT", key, "", body, headers), key);
    }

    private void remove(String key) throws IOException {
        check(send("DELETE", key, "", BodyPublishers.noBody(), Map.of()), key);
    }

    /** Keys below a prefix with their sizes; common prefixes end with the delimiter. */
    private Map<String, Long> list(String prefix, String delimiter, int most) throws IOException {
        Map<String, Long> found = new TreeMap<>();
        String token = "";
        do {
            String query = "?list-type=2&prefix=" + encoded(prefix)
                    + (delimiter.isEmpty() ? "" : "&delimiter=" + encoded(delimiter))
                    + (most < 1000 ? "&max-keys=" + most : "")
                    + (token.isEmpty() ? "" : "&continuation-token=" + encoded(token));
            HttpResponse<byte[]> answer =
                    send("GET", "", query, BodyPublishers.noBody(), Map.of());
            check(answer, prefix);
            Element root = parsed(answer.body());
            NodeList objects = root.getElementsByTagName("Contents");
            for (int i = 0; i < objects.getLength(); i++) {
                Element each = (Element) objects.item(i);
                found.put(text(each, "Key"), Long.parseLong(text(each, "Size")));
            }
            NodeList prefixes = root.getElementsByTagName("CommonPrefixes");
            for (int i = 0; i < prefixes.getLength(); i++) {
                found.put(text((Element) prefixes.item(i), "Prefix"), 0L);
            }
            token = text(root, "NextContinuationToken");
        } while (!token.isEmpty() && found.size() < most);
        return found;
    }

    private HttpResponse<byte[]> send(String method, String key, String query, BodyPublisher body,
            Map<String, String> headers) throws IOException {
        String where = endpoint + "/" + uri.getAuthority() + (key.isEmpty() ? "" : "/" + encoded(key));
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(where + query))
                .method(method, body).header("Authorization", authorization);
        headers.forEach(request::header);
        try {
            for (int attempt = 1; ; attempt++) {
                HttpResponse<byte[]> answer = HTTP.send(request.build(), BodyHandlers.ofByteArray());
                if (answer.statusCode() < 500 || attempt == ATTEMPTS) {
                    return answer;
                }
                Thread.sleep(50L * attempt);
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new IOException(stopped);
        }
    }

    private void check(HttpResponse<byte[]> answer, String key) throws IOException {
        if (answer.statusCode() >= 300) {
            String said = new String(answer.body(), StandardCharsets.UTF_8);
            throw new IOException(uri + "/" + key + ": " + answer.statusCode() + " " + said);
        }
    }

    private static Element parsed(byte[] data) throws IOException {
        try {
            return DocumentBuilderFactory.newInstance().newDocumentBuilder()
                    .parse(new ByteArrayInputStream(data)).getDocumentElement();
        } catch (javax.xml.parsers.ParserConfigurationException | org.xml.sax.SAXException wrong) {
            throw new IOException(wrong);
        }
    }

    private static String text(Element element, String name) {
        NodeList found = element.getElementsByTagName(name);
        return found.getLength() == 0 ? "" : found.item(0).getTextContent();
    }

    private static String encoded(String key) {
        return URLEncoder.encode(key, StandardCharsets.UTF_8)
                .replace("+", "%20").replace("%2F", "/").replace("*", "%2A").replace("%7E", "~");
    }

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

    private FileStatus file(Path path, long size, long modified) {
        return new FileStatus(size, false, 1, 64 << 20, modified, makeQualified(path));
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
                HttpResponse<byte[]> answer = send("GET", key, "", BodyPublishers.noBody(),
                        Map.of("Range", "bytes=" + at + "-" + end));
                check(answer, key);
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
