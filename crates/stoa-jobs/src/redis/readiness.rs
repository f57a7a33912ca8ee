//! Whether a Redis keeps what it is given.

use redis::Value;

use super::{answer, link::Link, scripts::SCHEMA};
use crate::StoreError;

/// The oldest version whose scripts and streams are as ours need them.
const OLDEST: (u32, u32) = (6, 2);

/// Looks whether Redis can be used, and writes which layout its keys have.
///
/// # Returns
///
/// What should be set otherwise, for people.
pub(super) async fn check(link: &Link, tag: &str) -> Result<Vec<String>, StoreError> {
    // First, for it finds the node of a cluster that has our keys.
    let schema = read_schema(link, tag).await?;
    let info = answer::text(link.ask(&redis::cmd("INFO")).await?)?;
    let said = |name: &str| {
        let mut lines = info.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| *key == name).map(|(_, value)| value.trim())
    };
    if let Some(version) = said("redis_version")
        && !is_new_enough(version)
    {
        return Err(StoreError::unusable(format!(
            "the server has the version {version}, and jobs need Redis {}.{} or later, or Valkey",
            OLDEST.0, OLDEST.1
        )));
    }
    if said("role").is_some_and(|role| role == "slave") {
        return Err(StoreError::away(
            "the server is a replica, and jobs are kept by its master",
        ));
    }
    if schema.is_none() {
        let mut write = redis::cmd("SET");
        write.arg(format!("{tag}:schema")).arg(SCHEMA).arg("NX");
        link.ask(&write).await?;
        // Another node may have been faster.
        read_schema(link, tag).await?;
    }
    let mut warnings = Vec::new();
    if said("aof_enabled") != Some("1") {
        warnings.push(
            "Redis does not write what it is given to an append-only file, so that jobs are lost when it ends: \
             set appendonly yes, and appendfsync always if not even the last second may be lost"
                .to_owned(),
        );
    }
    if let Some(policy) = said("maxmemory_policy")
        && policy != "noeviction"
    {
        warnings.push(format!(
            "Redis may throw jobs away when its memory is full (maxmemory-policy {policy}): set maxmemory-policy \
             noeviction"
        ));
    }
    Ok(warnings)
}

/// The layout that was written there, if any was; not one that is newer than ours.
async fn read_schema(link: &Link, tag: &str) -> Result<Option<u32>, StoreError> {
    let key = format!("{tag}:schema");
    let mut read = redis::cmd("GET");
    read.arg(&key);
    let schema = match link.ask(&read).await? {
        Value::Nil => return Ok(None),
        value => answer::text(value)?,
    };
    match schema.parse::<u32>() {
        Ok(schema) if schema <= SCHEMA => Ok(Some(schema)),
        Ok(_) => Err(answer::newer()),
        Err(_) => Err(StoreError::unusable(format!("the key {key} is no number"))),
    }
}

fn is_new_enough(version: &str) -> bool {
    let mut parts = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(u32::MAX));
    let major = parts.next().unwrap_or(u32::MAX);
    (major, parts.next().unwrap_or_default()) >= OLDEST
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn versions_before_6_2_are_too_old() {
        for (version, expected) in [
            ("7.0.15", true),
            ("6.2.0", true),
            ("10.0", true),
            ("6.0.16", false),
            ("5.0.14", false),
            ("255.255.255", true),
        ] {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }
}
