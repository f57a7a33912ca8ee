//! The index, as its users see it.

mod memory;

use stoa_module::{ModulePath, ModuleVersion, Version};

/// A seed of this run, which is printed.
fn seed() -> u64 {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    seed
}

fn target(module: &str, version: &str) -> ModuleVersion {
    ModuleVersion::new(ModulePath::parse(module).unwrap(), Version::parse(version).unwrap()).unwrap()
}
