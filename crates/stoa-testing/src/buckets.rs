//! Services that keep objects, as the storages of stoa use them.

mod azurite;
mod between;
mod gcs;
mod moto;
mod radosgw;
mod server;

pub use self::azurite::Azurite;
pub use self::between::{Between, Troubles};
pub use self::gcs::Gcs;
pub use self::moto::Moto;
pub use self::radosgw::Radosgw;
