//! The home page: what this is, and the line that makes `go` use it.

/// What the page may do: show its own style.
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page for a server reached at `base`, such as `http://127.0.0.1:3000`.
pub(crate) fn page(base: &str, version: &str) -> String {
    let (base, version) = (escape(base), escape(version));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>stoa</title>\n<style>\n\
         body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }}\n\
         pre {{ background: #f4f4f4; color: #111; padding: .75rem 1rem; overflow-x: auto; }}\n</style>\n</head>\n<body>\n\
         <h1>stoa</h1>\n<p>A Go module proxy, version {version}.</p>\n<p>Let <code>go</code> use it:</p>\n\
         <pre>export GOPROXY={base}</pre>\n\
         <p>Health: <a href=\"{base}/healthz\">healthz</a>, <a href=\"{base}/readyz\">readyz</a>. \
         Metrics: <a href=\"{base}/metrics\">metrics</a>.</p>\n</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_hostile_host_header_stays_text() {
        let page = super::page("http://\"><script>", "1");
        assert!(!page.contains("<script>"), "{page}");
        assert!(page.contains("export GOPROXY=http://&quot;&gt;&lt;script&gt;"));
    }
}
