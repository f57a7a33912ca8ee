//! What holds for any answer, in any pieces, whatever is changed in it.

use bytes::Bytes;
use proptest::prelude::*;
use stoa_peer::{FrameEvent, FrameReader, FrameWriter};

use crate::support::{answer, read};

/// What a server does next.
#[derive(Clone, Debug)]
enum Step {
    Data(Vec<u8>),
    Keepalive,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 1..200).prop_map(Step::Data),
        1 => Just(Step::Keepalive),
    ];
    prop::collection::vec(step, 0..8)
}

/// The bytes of an answer, and what is to be read of it.
fn write(writer: &mut FrameWriter, steps: &[Step], fails: bool) -> (Vec<u8>, Vec<FrameEvent>) {
    let mut wire = writer.header("header").expect("a frame").to_vec();
    let mut events = vec![FrameEvent::Header("\"header\"".into())];
    for step in steps {
        let (pieces, event) = match step {
            Step::Data(data) => {
                let data = Bytes::from(data.clone());
                (
                    writer.data(data.clone()).expect("a frame"),
                    FrameEvent::Data(data),
                )
            }
            Step::Keepalive => (vec![writer.keepalive().expect("a frame")], FrameEvent::Keepalive),
        };
        wire.extend(pieces.concat());
        events.push(event);
    }
    if fails {
        wire.extend(writer.fail("why").expect("a frame"));
        events.push(FrameEvent::Error("\"why\"".into()));
    } else {
        wire.extend(writer.end().expect("a frame"));
        events.push(FrameEvent::End);
    }
    (wire, events)
}

/// Bytes in pieces of these lengths, over and over.
fn pieces(wire: &[u8], lengths: &[usize]) -> Vec<Bytes> {
    let mut rest = Bytes::copy_from_slice(wire);
    let mut lengths = lengths.iter().cycle();
    let mut pieces = Vec::new();
    while let (false, Some(length)) = (rest.is_empty(), lengths.next()) {
        pieces.push(rest.split_to(rest.len().min(*length)));
    }
    pieces
}

/// That a wrong answer is found out, and that nothing but what was written is handed out before.
fn is_found_out(
    reader: FrameReader,
    wire: &[u8],
    lengths: &[usize],
    written: &[FrameEvent],
) -> Result<(), TestCaseError> {
    let (events, end) = read(reader, pieces(wire, lengths));
    prop_assert!(end.is_err());
    prop_assert!(written.starts_with(&events));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(
        steps in steps(),
        fails: bool,
        lengths in prop::collection::vec(1_usize..300, 1..6),
    ) {
        let (mut writer, reader) = answer();
        let (wire, written) = write(&mut writer, &steps, fails);
        let (events, end) = read(reader, pieces(&wire, &lengths));
        prop_assert!(end.is_ok());
        prop_assert_eq!(events, written);
    }

    #[test]
    fn bytes_that_are_changed_added_or_taken_out_are_found_out(
        steps in steps(),
        fails: bool,
        lengths in prop::collection::vec(1_usize..300, 1..6),
        at: prop::sample::Index,
        change in 1_u8..,
        what in 0..3,
    ) {
        let (mut writer, reader) = answer();
        let (mut wire, written) = write(&mut writer, &steps, fails);
        let at = at.index(wire.len());
        let before = wire.clone();
        match what {
            0 => wire[at] ^= change,
            1 => wire.insert(at, change),
            _ => {
                wire.remove(at);
            }
        }
        prop_assume!(wire != before);
        is_found_out(reader, &wire, &lengths, &written)?;
    }

    #[test]
    fn bytes_that_are_no_answer_are_no_answer(
        wire in prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(1)], 0..400),
        lengths in prop::collection::vec(1_usize..300, 1..6),
    ) {
        is_found_out(answer().1, &wire, &lengths, &[])?;
    }
}

/// Not a sample: every bit of every frame of an answer with each kind of frame.
#[test]
fn every_bit_counts() {
    let steps = [Step::Data(vec![0; 40]), Step::Keepalive, Step::Data(vec![255; 3])];
    for fails in [false, true] {
        let length = write(&mut answer().0, &steps, fails).0.len();
        for bit in 0..length * 8 {
            let (mut writer, reader) = answer();
            let (mut wire, written) = write(&mut writer, &steps, fails);
            wire[bit / 8] ^= 1 << (bit % 8);
            is_found_out(reader, &wire, &[length], &written)
                .unwrap_or_else(|error| panic!("bit {bit}: {error}"));
        }
    }
}
