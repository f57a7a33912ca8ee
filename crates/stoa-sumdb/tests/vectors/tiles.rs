use serde_json::Value;
use stoa_sumdb::{Tile, TileHeight, TileLevel, new_tiles};

use crate::tlog::log100;
use crate::{all, assert_fields, bytes, cases, flag, number, size, text, texts};

fn height(case: &Value, field: &str) -> TileHeight {
    let levels = u8::try_from(number(case, field)).expect("a height");
    TileHeight::new(levels).expect("a height")
}

#[test]
fn paths() {
    for vectors in all("tlog") {
        for case in cases(&vectors, "tile_paths", 32) {
            assert_fields(case, &["H", "L", "N", "W", "canonical", "ok", "path"]);
            let tile = text(case, "path").parse::<Tile>();
            assert_eq!(tile.is_ok(), flag(case, "ok"), "{case}");
            if let Ok(tile) = tile {
                let level = match case["L"].as_i64() {
                    Some(-1) => TileLevel::Data,
                    level => TileLevel::Hashes(level.and_then(|l| u8::try_from(l).ok()).expect("a level")),
                };
                let width = usize::try_from(number(case, "W")).expect("a width");
                let want = Tile::new(height(case, "H"), level, number(case, "N"), width);
                assert_eq!(Some(tile), want);
                assert_eq!(tile.to_string(), text(case, "canonical"));
            }
        }
    }
}

#[test]
fn new() {
    for vectors in all("tlog") {
        for case in cases(&vectors, "new_tiles", 13) {
            assert_fields(case, &["h", "new", "old", "tiles"]);
            let tiles: Vec<String> = new_tiles(height(case, "h"), size(case, "old"), size(case, "new"))
                .map(|tile| tile.to_string())
                .collect();
            assert_eq!(
                Some(tiles),
                texts(case, "tiles").map(|list| list.into_iter().map(Into::into).collect())
            );
        }
    }
}

#[test]
fn of_tree100() {
    for vectors in all("tlog") {
        let log = log100(&vectors);
        let tiles = &vectors["tree100"]["tiles_h2"];
        let paths = tiles.as_object().expect("tiles");
        assert!(paths.len() >= 132, "{} tiles", paths.len());
        for path in paths.keys() {
            let tile: Tile = path.parse().expect("a path");
            assert_eq!(tile.read(&log), Ok(bytes(tiles, path)), "{path}");
        }
    }
}
