//! Which objects the packs of a local repository hold, as their indexes say.
//!
//! Git itself looks for new packs whenever it misses an object, which takes seconds for the files of a large tree.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

/// What an index of version 2, the only one there is today, begins with.
const MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];

/// Where its hashes begin: behind a table of 256 numbers.
const HASHES: usize = 8 + 256 * 4;

/// Removes from `ids` those that a pack of the repository `dir` holds. Everything that is fetched is kept in packs.
pub(super) fn take_known(dir: &Path, ids: &mut HashSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir.join("objects/pack"))? {
        let path = entry?.path();
        if ids.is_empty() {
            break;
        }
        if path.extension().is_some_and(|ending| ending == "idx") {
            match fs::read(&path) {
                // A pack that was just replaced by a larger one.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                index => {
                    let index = index?;
                    ids.retain(|id| !holds(&index, id));
                }
            }
        }
    }
    Ok(())
}

/// Whether an index lists a hash. One that is damaged lists nothing.
fn holds(index: &[u8], id: &str) -> bool {
    let Some(hash) = bytes(id) else { return false };
    let fanout = |at: usize| {
        let number = index.get(8 + at * 4..12 + at * 4)?;
        usize::try_from(u32::from_be_bytes(number.try_into().ok()?)).ok()
    };
    let first = usize::from(hash.first().copied().unwrap_or_default());
    let from = if first == 0 { Some(0) } else { fanout(first - 1) };
    let (Some(mut from), Some(mut to)) = (from, fanout(first)) else {
        return false;
    };
    if !index.starts_with(&MAGIC) {
        return false;
    }
    while from < to {
        let middle = from + (to - from) / 2;
        let at = HASHES + middle * hash.len();
        let Some(here) = index.get(at..at + hash.len()) else {
            return false;
        };
        match here.cmp(&hash) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => from = middle + 1,
            std::cmp::Ordering::Greater => to = middle,
        }
    }
    false
}

fn bytes(id: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pairs = id.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index(hashes: &[Vec<u8>]) -> Vec<u8> {
        let mut index = MAGIC.to_vec();
        for first in 0..=255_u8 {
            let count = hashes.iter().filter(|hash| hash[0] <= first).count();
            index.extend(u32::try_from(count).expect("few").to_be_bytes());
        }
        index.extend(hashes.concat());
        index
    }

    fn hex(hash: &[u8]) -> String {
        hash.iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    proptest! {
        #[test]
        fn finds_what_is_there_and_nothing_else(
            here in prop::collection::btree_set(prop::collection::vec(any::<u8>(), 20), 0..50),
            other in prop::collection::vec(any::<u8>(), 20),
        ) {
            let all: Vec<Vec<u8>> = here.iter().cloned().collect();
            let index = index(&all);
            for hash in &all {
                prop_assert!(holds(&index, &hex(hash)));
            }
            prop_assert_eq!(holds(&index, &hex(&other)), here.contains(&other));
        }

        #[test]
        fn takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000), id in "[0-9a-f]{0,41}") {
            let mut damaged = MAGIC.to_vec();
            damaged.extend(bytes);
            let _ = holds(&damaged, &id);
        }
    }
}
