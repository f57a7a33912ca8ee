//! Module zips from outside: whatever their bytes, the check of a stream and that of a file never contradict each other.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use stoa_module::zip::{StreamChecker, StreamVerdict, ZipError, ZipLimits, check, report};
use stoa_module::{ModulePath, ModuleVersion, Version};

/// Small ones, so that they are reached.
const LIMITS: ZipLimits = ZipLimits {
    archive_bytes: 1 << 20,
    uncompressed_bytes: 1 << 20,
    entries: 64,
    name_bytes: 4096,
};

fuzz_target!(|input: (u8, &[u8])| {
    let (step, data) = input;
    let path = ModulePath::parse("example.com/m").unwrap();
    let target = ModuleVersion::new(path, Version::parse("v1.0.0").unwrap()).unwrap();
    let whole = check(Cursor::new(data), &target, &LIMITS);
    let streamed = stream(&target, data, usize::from(step).max(1));
    assert_eq!(
        format!("{streamed:?}"),
        format!("{:?}", stream(&target, data, data.len().max(1))),
        "the length of the pieces matters"
    );
    if let Ok(StreamVerdict::Checked(summary)) = streamed {
        assert_eq!(whole.as_ref().ok(), Some(&summary), "a stream is accepted that the file is not: {whole:?}");
    }
    if let Ok(summary) = whole {
        assert!(summary.uncompressed <= LIMITS.uncompressed_bytes);
        assert!(summary.files <= LIMITS.entries as u64);
        let report = report(Cursor::new(data), &target, &LIMITS).expect("it was read before");
        assert_eq!(report.valid.len() as u64, summary.files);
        assert!(report.invalid.is_empty() && report.size_error.is_none());
    }
});

fn stream(target: &ModuleVersion, data: &[u8], step: usize) -> Result<StreamVerdict, ZipError> {
    let mut checker = StreamChecker::new(target, LIMITS);
    for chunk in data.chunks(step) {
        checker.write(chunk)?;
    }
    checker.finish()
}
