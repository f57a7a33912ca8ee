//! Files with secrets, which only their owner may read and write.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// A file with a secret must not be one that other users of the machine may read, write or replace. Whether they may is
/// decided by the file and by all directories above it: in a directory that keeps others out, its own mode matters little.
/// What is not there, or no regular file, is for others to judge.
///
/// # Errors
/// One line that names the file and says what to do.
pub(super) fn private_file(path: &Path) -> Result<(), String> {
    let Ok(real) = path.canonicalize() else {
        return Ok(());
    };
    let Ok(file) = fs::metadata(&real) else {
        return Ok(());
    };
    if !file.is_file() {
        return Ok(());
    }
    let (mut others, mut group) = (true, true);
    let above: Vec<_> = real.ancestors().skip(1).collect();
    for directory in above.into_iter().rev() {
        let mode = fs::metadata(directory).map_or(0, |directory| directory.mode());
        others &= mode & 0o001 != 0;
        group &= mode & 0o011 != 0;
        // Whoever may write a directory may put another file into the place, unless it is like /tmp.
        if others && mode & 0o1002 == 0o002 {
            let place = directory.display();
            return Err(format!(
                "{}: every user of this machine may replace it: chmod o-w {place}",
                path.display()
            ));
        }
    }
    let mode = file.mode();
    let what = match () {
        () if others && mode & 0o002 != 0 => "every user of this machine may write it",
        () if group && mode & 0o020 != 0 => "other users of its group may write it",
        () if others && mode & 0o004 != 0 => "every user of this machine may read it",
        () => return Ok(()),
    };
    Err(format!("{path}: {what}: chmod go= {path}", path = path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// What is said of a file with this mode, in a directory with that mode, in one that everybody may enter.
    fn said(directory_mode: u32, file_mode: u32) -> Result<(), String> {
        let scratch = tempfile::tempdir().expect("directory");
        let set =
            |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("mode");
        set(scratch.path(), 0o755);
        let (directory, link) = (scratch.path().join("d"), scratch.path().join("link"));
        fs::create_dir(&directory).expect("directory");
        let file = directory.join("secret");
        fs::write(&file, "x").expect("file");
        symlink(&file, &link).expect("link");
        set(&file, file_mode);
        set(&directory, directory_mode);
        let (direct, linked) = (private_file(&file), private_file(&link));
        assert_eq!(direct.is_ok(), linked.is_ok(), "{direct:?} {linked:?}");
        direct
    }

    #[test]
    fn what_others_may_read_write_or_replace_is_no_secret() {
        for (directory, file, want) in [
            (0o755, 0o600, None),
            (0o755, 0o400, None),
            (0o755, 0o640, None),
            (0o755, 0o644, Some("may read it")),
            (0o755, 0o604, Some("may read it")),
            (0o755, 0o660, Some("group may write it")),
            (0o755, 0o602, Some("user of this machine may write it")),
            (0o755, 0o666, Some("user of this machine may write it")),
            (0o700, 0o666, None),
            (0o750, 0o644, None),
            (0o750, 0o664, Some("group may write it")),
            (0o777, 0o600, Some("may replace it")),
            (0o1777, 0o600, None),
        ] {
            let said = said(directory, file);
            match want {
                None => assert_eq!(said, Ok(()), "{directory:o} {file:o}"),
                Some(want) => {
                    let said = said.expect_err(want);
                    assert!(said.contains(want) && said.contains("chmod"), "{said}");
                    assert_eq!(said.lines().count(), 1, "{said}");
                }
            }
        }
        assert_eq!(private_file(Path::new("/nowhere/at/all")), Ok(()));
        assert_eq!(private_file(Path::new("/dev/null")), Ok(()));
    }
}
