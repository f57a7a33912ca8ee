//! What programs say of certificates that do not verify.

/// The words by which programs say that a certificate does not verify, in lower-case letters: `OpenSSL`'s and `GnuTLS`'s by
/// git and `libcurl`, Python's and Mercurial's own, those of Subversion and of Fossil.
const REFUSED: [&str; 9] = [
    "ssl certificate problem",
    "server certificate verification failed",
    "ssl certificate verification failed",
    "certificate verify failed",
    " certificate error: ",
    "does not match target host name",
    "no alternative certificate subject name matches",
    "unable to verify ssl cert",
    "ssl cert declined",
];

/// Causes, and the words for each.
const CAUSES: [(&str, &[&str]); 4] = [
    ("it has expired", &["certificate has expired"]),
    ("it is not valid yet", &["not yet valid"]),
    (
        "it is for another name",
        &[
            "does not match target host name",
            "no alternative certificate subject name matches",
            "issued for a different hostname",
            "certificate is not valid for",
            "certificate is for ",
            "hostname mismatch",
        ],
    ),
    (
        "no authority that is known here has signed it",
        &[
            "issuer is not trusted",
            "self-signed certificate",
            "self signed certificate",
            "unable to get local issuer certificate",
            "unable to get issuer certificate",
            "unable to verify the first certificate",
        ],
    ),
];

/// What is said where the program does not tell the cause: git with `GnuTLS`, and Fossil.
const UNTOLD: &str =
    "it has expired, is not valid yet, is for another name, or no authority that is known here has signed it";

/// One sentence for what a program that asked `host` said, if that is that its certificate does not verify.
pub(crate) fn refused(host: &str, said: &str) -> Option<String> {
    let said = said.to_ascii_lowercase();
    // What a server says itself, git repeats with this before it.
    let lines: Vec<_> = said
        .split("; ")
        .filter(|line| !line.starts_with("remote:"))
        .collect();
    let says = |words: &str| lines.iter().any(|line| line.contains(words));
    if !REFUSED.into_iter().any(says) {
        return None;
    }
    let causes = CAUSES
        .iter()
        .filter(|(_, words)| words.iter().any(|words| says(words)));
    let causes: Vec<_> = causes.map(|(cause, _)| *cause).collect();
    let cause = if causes.is_empty() {
        UNTOLD.to_owned()
    } else {
        causes.join(", and ")
    };
    Some(format!("the certificate of {host} does not verify: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_every_program_become_one_sentence() {
        let (expired, other) = ("it has expired", "it is for another name");
        let unknown = "no authority that is known here has signed it";
        for (said, want) in [
            (
                "fatal: unable to access 'https://h/r.git/': server certificate verification failed. CAfile: /ca.pem CRLfile: none",
                UNTOLD,
            ),
            (
                "fatal: unable to access 'https://h/r.git/': SSL: certificate subject name (w) does not match target host name 'h'",
                other,
            ),
            (
                "fatal: unable to access 'https://h/': SSL certificate problem: self-signed certificate",
                unknown,
            ),
            (
                "fatal: unable to access 'https://h/': SSL certificate problem: certificate has expired",
                expired,
            ),
            (
                "fatal: unable to access 'https://h/': SSL: no alternative certificate subject name matches target host name 'h'",
                other,
            ),
            (
                "abort: error: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:992)",
                expired,
            ),
            (
                "abort: h certificate error: certificate is for other.example; (set hostsecurity.h:certfingerprints=sha256:00)",
                other,
            ),
            (
                "svn: E170013: Unable to connect to a repository at URL 'https://h/r'; svn: E230001: Server SSL certificate verification failed: issuer is not trusted",
                unknown,
            ),
            (
                "brz: ERROR: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: IP address mismatch, certificate is not valid for 'h'. (_ssl.c:992)",
                other,
            ),
            (
                "accept this cert and continue (y/N/fingerprint)? SSL cert declined; server returned an error - clone aborted",
                UNTOLD,
            ),
        ] {
            let want = format!("the certificate of h does not verify: {want}");
            assert_eq!(refused("h", said), Some(want), "{said}");
        }
        let both = "svn: E230001: Server SSL certificate verification failed: certificate has expired, issuer is not trusted";
        let want = format!("the certificate of h does not verify: {expired}, and {unknown}");
        assert_eq!(refused("h", both), Some(want));
    }

    #[test]
    fn what_a_server_says_itself_is_not_taken_for_it() {
        for said in [
            "remote: SSL certificate problem: certificate has expired; fatal: repository 'https://h/r.git/' not found",
            "fatal: unable to access 'https://h/': The requested URL returned error: 503",
            "svn: E170000: URL 'https://h/certificate' non-existent",
            "",
        ] {
            assert_eq!(refused("h", said), None, "{said}");
        }
    }
}
