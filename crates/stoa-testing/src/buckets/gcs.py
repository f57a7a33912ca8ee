# Speaks the XML interface of Google Cloud Storage to its clients, as far as a client of objects needs it, and S3 to the
# server at the port that is its second argument. Its first argument is its own port.
import http.client
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

SIGNED = "Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none"
own, s3 = int(sys.argv[1]), int(sys.argv[2])
# Google names a writing by a number, and S3 by a text: which is which.
etags, lock = {}, threading.Lock()


def generation(etag):
    with lock:
        number = str(int(etag.strip('"').replace("-", "")[:14], 16) + 1)
        etags[number] = etag
        return number


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def relay(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        # Moto asks for a signature, whatever it says.
        headers, conditional = {"Authorization": "AWS4-HMAC-SHA256 " + SIGNED}, False
        for name, value in self.headers.items():
            name = name.lower()
            if name in ("host", "authorization", "connection", "content-length"):
                continue
            if name == "x-goog-if-generation-match":
                conditional = True
                if value == "0":
                    headers["If-None-Match"] = "*"
                else:
                    headers["If-Match"] = etags.get(value, '"none"')
            else:
                headers[name.replace("x-goog-", "x-amz-")] = value
        # A slash in an object's name may be escaped, which S3 does not know.
        path, mark, query = self.path.partition("?")
        path = quote(unquote(path), safe="/") + mark + query
        client = http.client.HTTPConnection("127.0.0.1", s3)
        client.request(self.command, path, body, headers)
        answer = client.getresponse()
        content = answer.read()
        # Nothing meets a condition on what is not there.
        status = 412 if conditional and answer.status == 404 else answer.status
        self.send_response(status)
        for name, value in answer.getheaders():
            name = name.lower()
            if name in ("content-length", "connection", "date", "server", "transfer-encoding"):
                continue
            if name == "etag":
                self.send_header("x-goog-generation", generation(value))
            self.send_header(name.replace("x-amz-meta-", "x-goog-meta-"), value)
        length = answer.getheader("content-length", "0") if self.command == "HEAD" else str(len(content))
        self.send_header("content-length", length)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = relay


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", own), Handler).serve_forever()
