package cellgraph.sandbox;

import java.io.ByteArrayInputStream;
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
import java.util.Map;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Requests to one bucket, over HTTP to AWS_ENDPOINT_URL.
 *
 * They are shaped as signed ones, and not signed: they are of no use with AWS itself.
 */
final class Bucket {
    private static final int ATTEMPTS = 8;
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final String name;
    private final String endpoint;
    private final String authorization;

    Bucket(String name) throws IOException {
        this.name = name;
        endpoint = System.getenv("AWS_ENDPOINT_URL");
        if (endpoint == null) {
            throw new IOException("AWS_ENDPOINT_URL is not set: this is the sandbox's own s3://");
        }
        authorization = "AWS4-HMAC-SHA256 Credential=" + System.getenv("AWS_ACCESS_KEY_ID")
                + "/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
    }

    void put(String key, BodyPublisher body, Map<String, String> headers) throws IOException {
        check(send("PUT", key, "", body, headers), key);
    }

    void remove(String key) throws IOException {
        check(send("DELETE", key, "", BodyPublishers.noBody(), Map.of()), key);
    }

    /** Keys below a prefix with their sizes; common prefixes end with the delimiter. */
    Map<String, Long> list(String prefix, String delimiter, int most) throws IOException {
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

    HttpResponse<byte[]> send(String method, String key, String query, BodyPublisher body,
            Map<String, String> headers) throws IOException {
        String where = endpoint + "/" + name + (key.isEmpty() ? "" : "/" + encoded(key));
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

    void check(HttpResponse<byte[]> answer, String key) throws IOException {
        if (answer.statusCode() >= 300) {
            String said = new String(answer.body(), StandardCharsets.UTF_8);
            throw new IOException("s3://" + name + "/" + key + ": " + answer.statusCode() + " " + said);
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

    static String encoded(String key) {
        return URLEncoder.encode(key, StandardCharsets.UTF_8)
                .replace("+", "%20").replace("%2F", "/").replace("*", "%2A").replace("%7E", "~");
    }
}
