//! Modules that are brought in by durable jobs, for nobody who waits: `stoa prefetch` and asynchronous downloads.
//!
//! A job of kind `module` brings one version into storage. A job of kind `prefetch` makes such jobs of everything that a file
//! asks for, as its children; one of kind `mirror`, of everything that the sources of some modules have. Both go through the pipelines as any question does, in the background class, so that what is
//! stored is verified, and who waits for a question comes first.

mod mirror_handler;
mod mirror_modules;
mod mirror_schedule;
mod mirror_spec;
mod miss_queue;
mod module_handler;
mod module_spec;
mod prefetch_handler;
mod prefetch_spec;

pub use mirror_handler::MirrorHandler;
pub use mirror_schedule::{MirrorSchedule, schedule_mirrors};
pub use mirror_spec::{MIRROR, MirrorSpec, MirrorVersions};
pub use miss_queue::{MissOptions, MissQueue};
pub use module_handler::ModuleHandler;
pub use module_spec::{MODULE, ModuleSpec};
pub use prefetch_handler::PrefetchHandler;
pub use prefetch_spec::{PREFETCH, PrefetchSpec};
