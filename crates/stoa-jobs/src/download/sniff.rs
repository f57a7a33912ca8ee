//! What type content has, by its first bytes.

use super::sniff_table::{BRANDS, SIGNATURES};

/// How many bytes are looked at.
pub(crate) const SNIFFED: usize = 1_024;

/// The type of content that begins with `head`, by the names of libmagic 5.44. `head` is all of it, or at least its first
/// [`SNIFFED`] bytes; more are not looked at.
///
/// # Deviation
/// libmagic tells hundreds of other types apart. Text that is none of HTML, XML, SVG, JSON, RTF or a shell script is
/// `text/plain` here, and other bytes of unknown kind are `application/octet-stream`, as with libmagic. A single byte is
/// `application/octet-stream` there and here.
pub(crate) fn sniff(head: &[u8]) -> &'static str {
    const BINARY: &str = "application/octet-stream";
    let head = head.get(..SNIFFED).unwrap_or(head);
    match head.len() {
        0 => return "application/x-empty",
        1 => return BINARY,
        _ => {}
    }
    if let Some(mime_type) = by_signature(head) {
        return mime_type;
    }
    if !is_text(head) {
        return BINARY;
    }
    by_text(head)
}

fn by_signature(head: &[u8]) -> Option<&'static str> {
    if head.get(4..8) == Some(b"ftyp") {
        let brand = head.get(8..12)?;
        let known = BRANDS.iter().find(|(name, _)| brand.starts_with(name));
        return Some(known.map_or("video/mp4", |(_, mime_type)| mime_type));
    }
    if head.starts_with(b"PK\x03\x04") {
        return in_zip(head);
    }
    if head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) {
        let is_webm = head.windows(4).take(60).any(|bytes| bytes == b"webm");
        return Some(if is_webm { "video/webm" } else { "video/x-matroska" });
    }
    let has = |at: usize, bytes: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(bytes));
    SIGNATURES
        .iter()
        .find(|signature| signature.parts.iter().all(|(at, bytes)| has(*at, bytes)))
        .map(|signature| signature.mime_type)
}

/// What a zip is, by its first entry. One whose first header is cut off is nothing that libmagic knows.
fn in_zip(head: &[u8]) -> Option<&'static str> {
    let name_length = usize::from(u16::from_le_bytes([*head.get(26)?, *head.get(27)?]));
    let name = head.get(30..30 + name_length).unwrap_or_default();
    let content = head.get(30 + name_length..).unwrap_or_default();
    let office = |folder: &[u8]| head.windows(folder.len()).any(|bytes| bytes == folder);
    Some(match name {
        b"mimetype" if content.starts_with(b"application/epub+zip") => "application/epub+zip",
        b"mimetype" if content.starts_with(b"application/vnd.oasis.opendocument.text") => {
            "application/vnd.oasis.opendocument.text"
        }
        b"mimetype" if content.starts_with(b"application/vnd.oasis.opendocument.spreadsheet") => {
            "application/vnd.oasis.opendocument.spreadsheet"
        }
        b"[Content_Types].xml" | b"_rels/.rels" if office(b"word/") => {
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        }
        b"[Content_Types].xml" | b"_rels/.rels" if office(b"xl/") => {
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        }
        b"[Content_Types].xml" | b"_rels/.rels" if office(b"ppt/") => {
            "application/vnd.openxmlformats-officedocument.presentationml.presentation"
        }
        _ => "application/zip",
    })
}

/// Whether all bytes are of some text: no control characters but those that text has, in UTF-8, UTF-16 with its mark, or an
/// encoding of one byte a character.
fn is_text(head: &[u8]) -> bool {
    let has_mark = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    if has_mark {
        return true;
    }
    // Zeros at the end are padding, as with libmagic.
    let padding = head.iter().rev().take_while(|byte| **byte == 0).count();
    let is_of_text = |byte: &u8| matches!(byte, 7..=13 | 27 | 32..=255);
    padding < head.len() && head[..head.len() - padding].iter().all(is_of_text)
}

fn by_text(head: &[u8]) -> &'static str {
    let head = head.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(head);
    let lower = head.to_ascii_lowercase();
    let text = lower.trim_ascii_start();
    let has = |tag: &[u8]| lower.windows(tag.len()).any(|bytes| bytes == tag);
    // A tag of which nothing comes after its name, so that `<htmlx>` is none.
    let has_tag = |name: &[u8]| {
        let ends = |at: usize| {
            matches!(
                lower.get(at + name.len()),
                Some(b'>' | b' ' | b'\t' | b'\r' | b'\n')
            )
        };
        lower
            .windows(name.len())
            .enumerate()
            .any(|(at, bytes)| bytes == name && ends(at))
    };
    if lower.starts_with(b"<?xml") {
        return if has_tag(b"<svg") {
            "image/svg+xml"
        } else {
            "text/xml"
        };
    }
    if text.starts_with(b"<svg") {
        return "image/svg+xml";
    }
    if text.starts_with(b"{\\rtf") {
        return "text/rtf";
    }
    if lower.starts_with(b"#!") {
        let line = lower.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = line.trim_ascii_end();
        if line.ends_with(b"sh") {
            return "text/x-shellscript";
        }
    }
    let tags: [&[u8]; 6] = [b"<html", b"<head", b"<title", b"<script", b"<style", b"<table"];
    if has(b"<!doctype html") || has(b"<a href=") || tags.into_iter().any(has_tag) {
        return "text/html";
    }
    if matches!(text.first(), Some(b'{' | b'['))
        && serde_json::from_slice::<serde::de::IgnoredAny>(head).is_ok()
    {
        return "application/json";
    }
    "text/plain"
}

#[cfg(test)]
mod tests;
