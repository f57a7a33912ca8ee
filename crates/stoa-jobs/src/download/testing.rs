//! What the tests of downloads share.

/// A gray png of this size. Its pixels are not all there, but its header is.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    for chunk in [header, b"IEND".to_vec()] {
        let length = u32::try_from(chunk.len() - 4).expect("a short chunk");
        png.extend(length.to_be_bytes());
        png.extend(&chunk);
        png.extend([0; 4]);
    }
    png
}
