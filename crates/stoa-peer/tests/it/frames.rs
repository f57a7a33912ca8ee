//! What the frames of an answer prove.

use bytes::{Bytes, BytesMut};
use stoa_peer::{FrameEvent, FrameReader, FrameWriter, LARGEST_DATA, LARGEST_DOCUMENT, PeerError};

use crate::support::{answer, exchange, read, server, session};

/// The frames of an answer of three words, each in one piece.
fn frames(writer: &mut FrameWriter) -> Vec<Bytes> {
    let mut frames = vec![
        writer.keepalive().expect("a frame"),
        writer
            .header(&serde_json::json!({"status": 200}))
            .expect("a frame"),
    ];
    for word in ["one", "two", "six"] {
        frames.push(writer.data(word.into()).expect("a frame").concat().into());
    }
    frames.push(writer.end().expect("a frame"));
    frames
}

/// What is read of the first `count` of these frames.
fn events(count: usize) -> Vec<FrameEvent> {
    let data = |word: &'static str| FrameEvent::Data(word.into());
    let header = FrameEvent::Header(r#"{"status":200}"#.into());
    let all = [
        FrameEvent::Keepalive,
        header,
        data("one"),
        data("two"),
        data("six"),
        FrameEvent::End,
    ];
    all[..count].to_vec()
}

#[test]
fn an_answer_is_read_in_whatever_pieces_it_comes() {
    let server = server("bob");
    let session = session("ada", &server);
    for length in 1..200 {
        let (mut writer, reader) = exchange(&session, &server);
        let wire = frames(&mut writer).concat();
        let (events_read, end) = read(reader, wire.chunks(length).map(Bytes::copy_from_slice));
        end.expect("it is complete");
        assert_eq!(events_read, events(6), "in pieces of {length}");
    }
}

#[test]
fn the_first_bytes_pass_before_the_last_are_there() {
    let (mut writer, mut reader) = answer();
    for (frame, event) in frames(&mut writer).into_iter().zip(events(6)) {
        let mut frame = frame;
        assert_eq!(reader.next(&mut frame).expect("it is right"), Some(event));
        assert_eq!(reader.next(&mut frame).expect("there is no more"), None);
    }
    reader.finish().expect("it is complete");
}

#[test]
fn data_is_neither_copied_when_written_nor_when_read() {
    let (mut writer, mut reader) = answer();
    let data = Bytes::from(vec![7; 100_000]);
    let mut header = writer.header("header").expect("a frame");
    reader.next(&mut header).expect("it is right");
    let pieces = writer.data(data.clone()).expect("a frame");
    assert_eq!(
        pieces.iter().map(Bytes::len).collect::<Vec<_>>(),
        [5, 100_000, 16]
    );
    assert_eq!(pieces[1].as_ptr(), data.as_ptr());

    let mut wire = Bytes::from(pieces.concat());
    let at = wire[5..].as_ptr();
    let Some(FrameEvent::Data(read)) = reader.next(&mut wire).expect("it is right") else {
        panic!("no data")
    };
    assert_eq!((read.as_ptr(), read.len()), (at, 100_000));
}

#[test]
fn data_longer_than_a_frame_is_several_frames() {
    let (mut writer, reader) = answer();
    let data = Bytes::from(
        (0..=2 * LARGEST_DATA)
            .map(|at| at.to_le_bytes()[1])
            .collect::<Vec<_>>(),
    );
    let mut pieces = vec![writer.header("header").expect("a frame")];
    pieces.extend(writer.data(Bytes::new()).expect("no frame"));
    assert_eq!(pieces.len(), 1);
    pieces.extend(writer.data(data.clone()).expect("frames"));
    assert_eq!(pieces.len(), 1 + 3 * 3);
    pieces.push(writer.end().expect("a frame"));
    let (events, end) = read(reader, pieces);
    end.expect("it is complete");
    let mut body = BytesMut::new();
    for event in &events[1..4] {
        let FrameEvent::Data(data) = event else {
            panic!("no data")
        };
        body.extend_from_slice(data);
    }
    assert_eq!(body, data);
    assert_eq!((events.len(), events.last()), (5, Some(&FrameEvent::End)));
}

#[test]
fn an_answer_that_ends_early_is_truncated() {
    let server = server("bob");
    let session = session("ada", &server);
    let length = frames(&mut answer().0).concat().len();
    for cut in 0..length {
        let (mut writer, reader) = exchange(&session, &server);
        let wire = frames(&mut writer).concat();
        let (read, end) = read(reader, [Bytes::copy_from_slice(&wire[..cut])]);
        assert!(matches!(end, Err(PeerError::Truncated)), "{cut}");
        assert_eq!(read, events(read.len()), "{cut}");
        assert!(!read.contains(&FrameEvent::End));
    }
}

#[test]
fn frames_that_are_moved_repeated_or_left_out_are_refused() {
    let server = server("bob");
    let session = session("ada", &server);
    let orders: [&[usize]; 7] = [
        &[0, 1, 3, 2, 4, 5],
        &[0, 1, 2, 2, 3, 4, 5],
        &[0, 1, 2, 4, 5],
        &[0, 1, 2, 3, 5],
        &[1, 2, 3, 4, 5],
        &[0, 0, 1, 2, 3, 4, 5],
        &[5],
    ];
    for order in orders {
        let (mut writer, reader) = exchange(&session, &server);
        let frames = frames(&mut writer);
        let (read, end) = read(reader, order.iter().map(|at| frames[*at].clone()));
        let right = order
            .iter()
            .enumerate()
            .take_while(|(place, at)| place == *at)
            .count();
        assert!(matches!(end, Err(PeerError::Refused(_))), "{order:?}");
        assert_eq!(read, events(right), "{order:?}");
    }
}

/// That a reader takes nothing of a foreign answer, neither from its first frame on nor in the middle of its own answer.
fn is_foreign(mixed: impl Fn() -> (FrameReader, Vec<Bytes>, Vec<Bytes>)) {
    let (reader, _, foreign) = mixed();
    let (taken, end) = read(reader, foreign);
    assert!(matches!(end, Err(PeerError::Refused(_))));
    assert_eq!(taken, []);

    let (reader, mut own, foreign) = mixed();
    assert_eq!(own[3].len(), foreign[3].len());
    own[3] = foreign[3].clone();
    let (taken, end) = read(reader, own);
    assert!(matches!(end, Err(PeerError::Refused(_))));
    assert_eq!(taken, events(3));
}

#[test]
fn frames_of_another_request_are_refused() {
    is_foreign(|| {
        let server = server("bob");
        let session = session("ada", &server);
        let (mut own, reader) = exchange(&session, &server);
        let (mut next, _) = exchange(&session, &server);
        (reader, frames(&mut own), frames(&mut next))
    });
}

#[test]
fn frames_of_another_session_are_refused() {
    is_foreign(|| {
        // Both are the first request of their session.
        let server = server("bob");
        let (mut own, reader) = exchange(&session("ada", &server), &server);
        let (mut other, _) = exchange(&session("ada", &server), &server);
        (reader, frames(&mut own), frames(&mut other))
    });
}

#[test]
fn nothing_comes_behind_the_end() {
    let (mut writer, reader) = answer();
    let mut pieces = frames(&mut writer);
    assert!(writer.keepalive().is_err() && writer.data("more".into()).is_err());
    assert!(writer.end().is_err() && writer.fail("why").is_err() && writer.header("again").is_err());
    pieces.push(Bytes::from_static(&[0]));
    let (read, end) = read(reader, pieces);
    assert!(matches!(end, Err(PeerError::Malformed(_))));
    assert_eq!(read, events(6));
}

#[test]
fn an_error_ends_an_answer_anywhere() {
    for before in 0..4 {
        let (mut writer, reader) = answer();
        let mut pieces = Vec::new();
        if before > 0 {
            pieces.push(writer.keepalive().expect("a frame"));
        }
        if before > 1 {
            pieces.push(writer.header("header").expect("a frame"));
        }
        if before > 2 {
            pieces.extend(writer.data("data".into()).expect("a frame"));
        }
        pieces.push(
            writer
                .fail(&serde_json::json!({"error": "gone"}))
                .expect("a frame"),
        );
        let (events, end) = read(reader, pieces);
        end.expect("it has an end");
        assert_eq!(events.len(), before + 1);
        assert_eq!(
            events.last(),
            Some(&FrameEvent::Error(r#"{"error":"gone"}"#.into()))
        );
    }
}

#[test]
fn what_is_written_out_of_order_writes_nothing() {
    let (mut writer, reader) = answer();
    assert!(matches!(
        writer.data("early".into()),
        Err(PeerError::Malformed(_))
    ));
    assert!(matches!(writer.end(), Err(PeerError::Malformed(_))));
    let large = "x".repeat(LARGEST_DOCUMENT - 1);
    assert!(matches!(writer.header(&large), Err(PeerError::TooLarge(_))));
    let fits = &large[..LARGEST_DOCUMENT - 2];
    let mut pieces = vec![writer.header(fits).expect("a frame")];
    assert!(matches!(writer.header("again"), Err(PeerError::Malformed(_))));
    assert!(matches!(writer.fail(&large), Err(PeerError::TooLarge(_))));
    pieces.push(writer.end().expect("a frame"));
    let (events, end) = read(reader, pieces);
    end.expect("nothing was in between");
    assert_eq!(
        events,
        [FrameEvent::Header(format!("\"{fits}\"").into()), FrameEvent::End]
    );
}

#[test]
fn what_is_too_large_is_refused_at_its_head() {
    let heads: [(u8, usize); 5] = [
        (0, LARGEST_DOCUMENT + 1),
        (1, LARGEST_DATA + 1),
        (2, 1),
        (3, usize::try_from(u32::MAX).expect("a number")),
        (4, 1),
    ];
    for (kind, length) in heads {
        let length = u32::try_from(length).expect("a length").to_be_bytes();
        let head = [&[kind][..], &length].concat();
        let (events, end) = read(
            answer().1,
            head.iter().map(|byte| Bytes::copy_from_slice(&[*byte])),
        );
        assert!(matches!(end, Err(PeerError::TooLarge(_))), "{kind}");
        assert!(events.is_empty());
    }
    let (_, end) = read(answer().1, [Bytes::from_static(&[5, 0, 0, 0, 0])]);
    assert!(matches!(end, Err(PeerError::Malformed(_))));
}

#[test]
fn what_is_refused_once_stays_refused() {
    let (mut writer, mut reader) = answer();
    let frames = frames(&mut writer);
    assert!(reader.next(&mut frames[1].clone()).is_err());
    for frame in frames {
        assert!(matches!(
            reader.next(&mut frame.clone()),
            Err(PeerError::Refused(_))
        ));
    }
    assert!(matches!(reader.finish(), Err(PeerError::Refused(_))));
}

#[test]
fn a_reader_takes_no_more_than_the_event_needs() {
    let (mut writer, mut reader) = answer();
    let wire = Bytes::from(frames(&mut writer).concat());
    let mut input = wire.clone();
    reader.next(&mut input).expect("it is right");
    assert_eq!(input.len(), wire.len() - 21);
    // The beginning of the next frame, and then the rest with all that follows.
    let mut begin = input.split_to(3);
    assert_eq!(reader.next(&mut begin).expect("there is no more"), None);
    let before = input.len();
    reader.next(&mut input).expect("it is right");
    assert_eq!(before - input.len(), 5 + 14 + 16 - 3);
}
