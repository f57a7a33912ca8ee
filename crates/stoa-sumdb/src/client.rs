//! The client: lookups that are believed only when the log vouches for them (`golang.org/x/mod/sumdb`).

mod data;
mod error;
mod fork;
mod latest;
mod lookup;
mod port;
mod remote_path;
mod sums;
mod tiles;
mod timeline;

pub use error::{ClientError, HeadOrigin};
pub use fork::Fork;
pub use latest::SignedHead;
pub use lookup::{Client, Lookup};
pub use port::{BoxError, Port, RemoteError, Swap};
pub use remote_path::{RemotePath, RemotePathError};
pub use sums::{ModuleSums, SumError, SumFile};
