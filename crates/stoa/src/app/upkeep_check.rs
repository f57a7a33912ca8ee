//! What keeps a server from starting to look after what is stored.

use crate::config::{Config, ConfigError, IndexStore};

/// Whether `[gc]` has the index that it needs.
pub(crate) fn check(config: &Config) -> Result<(), ConfigError> {
    let wants = config.gc.quota.is_some() || config.gc.max_age.is_some();
    if wants && config.index.store == IndexStore::None {
        let fault = "without an index it is not known what was used when: set index.store";
        return Err(config.fault("gc", fault));
    }
    Ok(())
}
