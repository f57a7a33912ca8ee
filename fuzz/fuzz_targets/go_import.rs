//! go-import pages: few, bounded tags of three or four words, and one of them for a path.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_fetch::discovery::{ModTags, check_repo_root, check_subdir, clamp_subdir, match_go_import, parse_go_imports};

fuzz_target!(|page: &[u8]| {
    let Ok(all) = parse_go_imports(page, ModTags::Prefer) else {
        parse_go_imports(page, ModTags::Ignore).expect_err("the page is the same");
        return;
    };
    assert!(all.len() <= 512);
    let plain = parse_go_imports(page, ModTags::Ignore).expect("the page is the same");
    assert!(plain.iter().all(|import| import.vcs != "mod"));
    let first_plain = all.iter().position(|import| import.vcs != "mod").unwrap_or(all.len());
    assert!(all[first_plain..].iter().all(|import| import.vcs != "mod"), "proxies come first");
    for import in &all {
        for field in [&import.prefix, &import.vcs, &import.repo] {
            assert!(!field.is_empty() && !field.contains(char::is_whitespace));
        }
        if let Ok(found) = match_go_import(&all, &import.prefix) {
            assert!(import.prefix.starts_with(&found.prefix));
        }
        let _ = check_repo_root(&import.repo);
        if check_subdir(&import.subdir).is_ok() {
            let clamped = clamp_subdir(&import.subdir);
            assert!(!format!("{clamped:?}").split(['/', '"']).any(|element| element == ".."));
        }
    }
});
