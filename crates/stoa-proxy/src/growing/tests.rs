use std::io;

use async_trait::async_trait;

use super::*;

#[derive(Debug)]
struct Letters;

#[async_trait]
impl ReadAt for Letters {
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let offset = usize::try_from(offset).expect("small");
        Ok(Bytes::from_static(b"abcdefgh").slice(offset..8.min(offset + len)))
    }
}

async fn read(follower: &mut Follower) -> String {
    let piece = follower.next().await.expect("a piece").expect("no error");
    String::from_utf8(piece.to_vec()).expect("utf-8")
}

#[tokio::test]
async fn the_last_byte_waits_for_a_good_end() {
    let (writer, growing) = growing(Some(8), Arc::new(Letters));
    let mut follower = growing.follow();
    writer.advance(3);
    assert_eq!(read(&mut follower).await, "abc");
    writer.advance(5);
    assert_eq!(read(&mut follower).await, "defg");
    writer.finish(Ok(()));
    assert_eq!(read(&mut follower).await, "h");
    assert!(follower.next().await.is_none());
    let mut late = growing.follow();
    assert_eq!(read(&mut late).await, "abcdefgh");
}

#[tokio::test]
async fn without_a_length_the_newest_byte_waits() {
    let (writer, growing) = growing(None, Arc::new(Letters));
    let mut follower = growing.follow();
    writer.advance(3);
    assert_eq!(read(&mut follower).await, "ab");
    drop(writer);
    assert!(follower.next().await.expect("an end").is_err());
    assert!(follower.next().await.is_none());
}

#[tokio::test]
async fn an_empty_file_ends_clean() {
    let (writer, growing) = growing(Some(0), Arc::new(Letters));
    writer.finish(Ok(()));
    assert!(growing.follow().next().await.is_none());
    assert!(growing.ended().await.is_ok());
}

#[tokio::test]
async fn what_is_lent_goes_with_the_first_end_of_two() {
    let guard = Arc::new(());
    let (writer, growing) = growing(None, Arc::new(Letters));
    let gone = growing.lend(Arc::clone(&guard));
    let stays = growing.lend(Arc::clone(&guard));
    assert_eq!(Arc::strong_count(&guard), 3);
    drop(gone);
    assert_eq!(Arc::strong_count(&guard), 2, "nobody waits for it any more");
    writer.finish(Ok(()));
    assert_eq!(Arc::strong_count(&guard), 1, "there is nothing left to wait for");
    drop(stays);
    let _late = growing.lend(Arc::clone(&guard));
    assert_eq!(Arc::strong_count(&guard), 1);
}

#[tokio::test]
async fn guards_go_when_the_writer_ends() {
    let guard = Arc::new(());
    let (writer, growing) = growing(None, Arc::new(Letters));
    growing.attach(Arc::clone(&guard));
    assert_eq!(Arc::strong_count(&guard), 2);
    writer.finish(Ok(()));
    assert_eq!(Arc::strong_count(&guard), 1);
    growing.attach(Arc::clone(&guard));
    assert_eq!(
        Arc::strong_count(&guard),
        1,
        "attached too late is dropped at once"
    );
}

#[tokio::test(start_paused = true)]
async fn it_is_forsaken_when_nobody_waits_and_nothing_comes() {
    const TIME: Duration = Duration::from_secs(5);
    let (writer, growing) = growing(None, Arc::new(Letters));
    let follower = growing.follow();
    let waited = tokio::time::timeout(4 * TIME, writer.forsaken(TIME)).await;
    assert!(waited.is_err(), "somebody waits");
    drop(follower);
    let began = tokio::time::Instant::now();
    let coming = async {
        for _ in 0..5 {
            sleep(Duration::from_secs(2)).await;
            writer.advance(1);
        }
    };
    tokio::join!(coming, writer.forsaken(TIME));
    // The last byte comes after ten seconds, in the middle of five.
    assert_eq!(began.elapsed(), Duration::from_secs(15));
}
