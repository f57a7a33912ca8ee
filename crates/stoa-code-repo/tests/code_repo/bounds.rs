//! Zips of large, many and broken files.

use std::sync::Arc;

use stoa_code_repo::{CodeLimits, CodeMeaning, CodeRepo};
use stoa_module::{ModulePath, Version};
use stoa_vcs::{EntryKind, Step, VcsError, VcsKind};

use crate::{
    support::memory_repo::MemoryRepo,
    zips::{GO_MOD, bytes, names},
};

#[tokio::test]
async fn large_and_many_files_come_out_as_they_went_in() {
    // Incompressible, larger than what a thread is given at once.
    let mut state = 1_u32;
    let mut noise = |len: usize| -> Vec<u8> {
        let byte = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..len).map(byte).collect()
    };
    let mut repo = MemoryRepo::new().commit(&[GO_MOD]).tag("v1.0.0");
    let files = &mut repo.commits[0].files;
    for i in 0..300 {
        files.push((format!("f{i}").into_bytes(), EntryKind::File, noise(i * 37)));
        if i % 100 == 0 {
            files.push((format!("large{i}").into_bytes(), EntryKind::File, noise(3 << 20)));
        }
    }
    let repo = Arc::new(repo);
    let mut zips = Vec::new();
    for (memory, threads) in [(0, 1), (4 << 20, 3), (64 << 20, 8)] {
        let limits = CodeLimits {
            memory,
            threads,
            ..CodeLimits::default()
        };
        let path = ModulePath::parse("h.com/r").unwrap();
        let module = CodeRepo::new(Arc::clone(&repo) as _, "h.com/r", "", path, limits).unwrap();
        zips.push(bytes(&module).await.unwrap());
    }
    assert!(zips[0].len() > 9 << 20, "{}", zips[0].len());
    assert!(
        zips.iter().all(|zip| *zip == zips[0]),
        "neither memory nor threads change a byte"
    );
}

#[tokio::test]
async fn trees_have_limits() {
    let limits = |limits: CodeLimits| {
        let repo = MemoryRepo::new()
            .commit(&[GO_MOD, ("abc", ""), ("d/e/f", "")])
            .tag("v1.0.0");
        let path = ModulePath::parse("h.com/r").unwrap();
        CodeRepo::new(Arc::new(repo), "h.com/r", "", path, limits).unwrap()
    };
    let many = "Malformed: h.com/r@v1.0.0: create zip: module zip file has too many or too long file names";
    let few = CodeLimits {
        entries: 2,
        ..CodeLimits::default()
    };
    assert_eq!(names(&limits(few)).await, many);
    let short = CodeLimits {
        names: 13,
        ..CodeLimits::default()
    };
    assert_eq!(names(&limits(short)).await, many);
    let tiny = CodeLimits {
        spool: 10,
        ..CodeLimits::default()
    };
    assert_eq!(
        names(&limits(tiny)).await,
        "Malformed: h.com/r@v1.0.0: create zip: module source tree too large (max size is 524288000 bytes)"
    );
    let enough = CodeLimits {
        entries: 3,
        names: 14,
        ..CodeLimits::default()
    };
    assert_eq!(names(&limits(enough)).await, "go.mod abc d/e/f");
    let mut repo = MemoryRepo::new().commit(&[GO_MOD]).tag("v1.0.0");
    repo.commits[0]
        .files
        .push((b"LICENSE".to_vec(), EntryKind::File, vec![0; (16 << 20) + 1]));
    assert_eq!(
        names(&repo.module("")).await,
        "Malformed: h.com/r@v1.0.0: create zip: LICENSE: LICENSE file too large (max size is 16777216 bytes)"
    );
}

#[tokio::test]
async fn an_archive_that_breaks_off_is_no_fault_of_the_module() {
    for (content, left) in [
        ("x".repeat(2 << 20), 1 << 20),
        ("x".repeat(1 << 10), 60),
        ("x".to_owned(), 24),
    ] {
        let mut repo = MemoryRepo::new()
            .commit(&[GO_MOD, ("a", &content), ("b", &content)])
            .tag("v1.0.0");
        repo.archive_breaks = Some(left);
        assert_eq!(
            names(&repo.module("")).await,
            "Unreachable: h.com/r@v1.0.0: git archive: the remote end hung up"
        );
    }
    let repo = MemoryRepo::new().commit(&[GO_MOD]).tag("v1.0.0");
    let limit = VcsError::TooLarge {
        vcs: VcsKind::Git,
        step: Step::Archive,
        limit: 5,
    };
    *repo.fails.lock() = Some((Step::Archive, limit));
    assert_eq!(
        names(&repo.module("")).await,
        "Invalid: h.com/r@v1.0.0: git archive: more than the limit of 5 bytes"
    );
}

#[tokio::test]
async fn a_folder_for_temporary_files_that_is_not_there_is_our_fault() {
    let limits = CodeLimits {
        memory: 0,
        ..CodeLimits::default()
    };
    let repo = MemoryRepo::new().commit(&[GO_MOD]).tag("v1.0.0");
    let path = ModulePath::parse("h.com/r").unwrap();
    let repo = CodeRepo::new(Arc::new(repo), "h.com/r", "", path, limits).unwrap();
    let version = Version::parse("v1.0.0").unwrap();
    let error = repo
        .zip(&version, std::path::Path::new("/nonexistent/stoa"))
        .await
        .unwrap_err();
    assert_eq!(error.meaning(), CodeMeaning::Ours);
    assert!(
        error
            .to_string()
            .starts_with("h.com/r@v1.0.0: zip: temporary file: "),
        "{error}"
    );
}
