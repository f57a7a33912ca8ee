use proptest::prelude::*;

use super::*;

/// An entry as it stands in a tar file.
fn entry(name: &[u8], flag: u8, link: &[u8], content: &[u8]) -> Vec<u8> {
    let mut block = [0; BLOCK];
    block[..name.len()].copy_from_slice(name);
    block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    block[148..156].copy_from_slice(b"        ");
    block[156] = flag;
    block[157..157 + link.len()].copy_from_slice(link);
    block[257..263].copy_from_slice(b"ustar\0");
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut bytes = block.to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().div_ceil(BLOCK) * BLOCK, 0);
    bytes
}

fn pax(key: &str, value: &[u8]) -> Vec<u8> {
    let mut length = 0;
    loop {
        let record = [format!("{length} {key}=").as_bytes(), value, b"\n"].concat();
        if record.len() == length {
            return record;
        }
        length = record.len();
    }
}

fn read_all(bytes: &[u8]) -> io::Result<Vec<(TarHeader, Vec<u8>)>> {
    let mut tar = TarReader::new(bytes);
    let mut all = Vec::new();
    while let Some(header) = tar.next_header()? {
        let mut content = Vec::new();
        tar.read_to_end(&mut content)?;
        all.push((header, content));
    }
    Ok(all)
}

#[test]
fn reads_entries_of_every_kind() {
    let records = [pax("path", b"long\xff\nname"), pax("mtime", b"1")].concat();
    let bytes = [
        entry(b"pax_global_header", b'g', b"", &pax("comment", b"0123")),
        entry(b"dir/", b'5', b"", b""),
        entry(b"dir/a", b'0', b"", b"content"),
        entry(b"dir/l", b'2', b"target", b""),
        entry(b"x", b'x', b"", &records),
        entry(b"short", b'0', b"", b"y"),
        entry(
            b"././@LongLink",
            b'L',
            b"",
            &[&b"n".repeat(700)[..], b"\0"].concat(),
        ),
        entry(b"nnn", b'0', b"", &b"z".repeat(BLOCK)),
        vec![0; 4 * BLOCK],
    ];
    let all = read_all(&bytes.concat()).expect("it is well-formed");
    let seen: Vec<_> = all
        .iter()
        .map(|(header, content)| (header.path.clone(), header.kind, content.len()))
        .collect();
    let expected = [
        (b"dir/".to_vec(), TarKind::Folder, 0),
        (b"dir/a".to_vec(), TarKind::File, 7),
        (b"dir/l".to_vec(), TarKind::Symlink, 0),
        (b"long\xff\nname".to_vec(), TarKind::File, 1),
        (b"n".repeat(700), TarKind::File, BLOCK),
    ];
    assert_eq!(seen, expected);
    assert_eq!(all[2].0.link, b"target");
}

#[test]
fn reads_numbers() {
    assert_eq!(number(b"00000000017\0").expect("octal"), 15);
    assert_eq!(
        number(b"\x80\0\0\0\0\0\0\x02\0\0\0\x01").expect("binary"),
        (2 << 32) + 1
    );
    assert!(number(b"\x80\x01\0\0\0\0\0\x02\0\0\0\x01").is_err());
    assert!(number(b"0000x\0").is_err());
}

#[test]
fn an_end_in_the_middle_is_an_error() {
    let bytes = [entry(b"a", b'0', b"", b"content"), vec![0; BLOCK]].concat();
    assert!(read_all(&bytes).is_ok());
    for end in 0..bytes.len() {
        assert!(read_all(&bytes[..end]).is_err(), "{end}");
    }
}

proptest! {
    #[test]
    fn takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read_all(&bytes);
    }

    #[test]
    fn takes_any_damage(
        at in 0_usize..3 * BLOCK, byte: u8, flag in prop::sample::select(&b"0125xgLK7S\0"[..]),
        content in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let mut bytes = [entry(b"a", flag, b"l", &content), entry(b"b", b'0', b"", b"more")].concat();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = read_all(&bytes);
    }

    #[test]
    fn gives_back_what_was_put_in(
        names in prop::collection::vec("[^\0]{1,40}", 1..6), content in prop::collection::vec(any::<u8>(), 0..1500),
    ) {
        let entries = names.iter().map(|name| {
            [entry(b"x", b'x', b"", &pax("path", name.as_bytes())), entry(b"", b'0', b"", &content)].concat()
        });
        let mut bytes = entries.collect::<Vec<_>>().concat();
        bytes.extend([0; BLOCK]);
        let all = read_all(&bytes).expect("it is well-formed");
        prop_assert_eq!(all.len(), names.len());
        for ((header, read), name) in all.iter().zip(&names) {
            prop_assert_eq!(&header.path, name.as_bytes());
            prop_assert_eq!(read, &content);
        }
    }
}
