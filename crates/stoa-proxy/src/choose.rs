//! One version out of several, as the go command chooses it.

use async_trait::async_trait;
use stoa_module::{
    Candidates, ModulePath, Version,
    modfile::{ModFile, Retract, legacy_go_mod},
};

use crate::ProxyError;

/// What choosing must know of the go.mod files of a module's versions.
#[async_trait]
pub(crate) trait GoMods: Send + Sync {
    /// What the go.mod of `version` retracts. One that cannot be read retracts nothing, as in cmd/go.
    async fn retractions(&self, version: &Version) -> Result<Vec<Retract>, ProxyError>;

    /// Whether `version` has a go.mod of its own, rather than one that was made up for it.
    async fn has_go_mod(&self, version: &Version) -> Result<bool, ProxyError>;
}

/// Which one of those that are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    Highest,
    Lowest,
}

/// What is wanted of a version list.
pub(crate) struct Wish<'a> {
    /// The versions that may be chosen.
    pub(crate) matches: &'a (dyn Fn(&Version) -> bool + Sync),
    pub(crate) pick: Pick,
    /// `+incompatible` versions count whatever the go.mod files say: the query names their major version.
    pub(crate) incompatible: bool,
}

/// Chooses from `all` what is wished for and not retracted. The go.mod that retracts is that of the version that `latest`
/// would be among `retracting` if nothing were retracted (`queryLatestVersionIgnoringRetractions`); those are all
/// versions whose go.mod can be had.
pub(crate) async fn choose(
    go_mods: &dyn GoMods,
    retracting: &[Version],
    all: &[Version],
    wish: &Wish<'_>,
) -> Result<Option<Version>, ProxyError> {
    let retracted = match settled(go_mods, Candidates::new(retracting), false)
        .await?
        .highest()
    {
        Some(highest) => go_mods.retractions(highest).await?,
        None => Vec::new(),
    };
    let matching = all.iter().filter(|version| (wish.matches)(version));
    let candidates = Candidates::new(matching).without(&retracted);
    let left = settled(go_mods, candidates, wish.incompatible).await?;
    let chosen = match wish.pick {
        Pick::Highest => left.highest(),
        Pick::Lowest => left.lowest(),
    };
    Ok(chosen.cloned())
}

/// Leaves the `+incompatible` versions out, unless they count.
async fn settled<'a>(
    go_mods: &dyn GoMods,
    candidates: Candidates<'a>,
    incompatible: bool,
) -> Result<Candidates<'a>, ProxyError> {
    match candidates.decisive() {
        Some(version) if !incompatible && go_mods.has_go_mod(version).await? => Ok(candidates.compatible()),
        _ => Ok(candidates),
    }
}

/// What a go.mod retracts.
pub(crate) fn retractions_of(go_mod: &[u8]) -> Vec<Retract> {
    let file = ModFile::parse_lax("go.mod", go_mod).ok();
    file.map(|file| file.retract).unwrap_or_default()
}

/// Whether a go.mod was written by somebody, rather than made up.
pub(crate) fn is_own_go_mod(path: &ModulePath, go_mod: &[u8]) -> bool {
    go_mod != legacy_go_mod(path).as_bytes()
}
